// The studio's page: draws what the filter sends, sends what the user changes. Nothing is kept.

const byId = id => document.getElementById(id);
const DRAG_REST_MS = 700; // for so long after a touch, a control is the user's, not the filter's
const OPEN_REST_MS = 5000; // so long, if it is a list that may be open
const SOURCE_REST_MS = 2000; // until it is asked anew which camera is shown
const GRAPH_POINTS = 150;
const READINGS_REST_MS = 250; // numbers that change more often cannot be read

let readMs = 0;
const picture = byId('picture'), divider = byId('divider'), line = byId('line');
const history = [];
const sliders = new Map(); // what is tuned, such as "mix happy" → its input
let socket = null, waitMs = 500, overlay = false, shown = null;

// What stays as it is, is not touched: drawing costs the filter's machine.
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function mark(element, attribute, value) {
  if (element.getAttribute(attribute) !== String(value)) element.setAttribute(attribute, value);
}

// --- commands -------------------------------------------------------------------------------

let nextId = 1;
const answering = new Map(); // id → what to do with the answer

function ask(content) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(content));
}

function command(text) {
  return new Promise(done => {
    if (socket?.readyState !== WebSocket.OPEN) { done(null); return; }
    const id = nextId++;
    answering.set(id, done);
    ask({command: text, id});
  });
}

// One command of a slider is on its way at a time; of those that come meanwhile, only the last.
function paced(send) {
  let busy = false, waiting = null;
  return async function next(value) {
    if (busy) { waiting = value; return; }
    busy = true;
    await send(value);
    busy = false;
    if (waiting !== null) { const last = waiting; waiting = null; next(last); }
  };
}

function say(text, bad = false) {
  const state = byId('state');
  state.textContent = text;
  state.classList.toggle('bad', bad);
}

// --- sliders --------------------------------------------------------------------------------

const readable = value => String(Math.round(value * 100) / 100);

function adopt(input, output, send) {
  const next = paced(async value => {
    const answer = await command(send(value));
    if (answer && !answer.ok) say(answer.text, true);
  });
  input.touchedMs = 0;
  input.show = value => {
    if (performance.now() - input.touchedMs < DRAG_REST_MS) return;
    if (Number(input.value) !== value) input.value = value;
    put(output, readable(value));
  };
  input.addEventListener('input', () => {
    input.touchedMs = performance.now();
    output.textContent = readable(Number(input.value));
    next(input.value);
  });
}

function addSlider(parent, key, label, [low, high], send) {
  if (sliders.has(key)) return;
  let id = `slider-${key.replace(/[^a-z0-9]+/gi, '-')}`;
  while (byId(id)) id += '-'; // names may differ in other signs only
  const caption = document.createElement('label'), output = document.createElement('output');
  const text = document.createElement('span'), input = document.createElement('input');
  caption.className = 'slider';
  caption.htmlFor = id;
  text.textContent = label;
  caption.append(text, output);
  Object.assign(input, {id, type: 'range', min: low, max: high, step: 0.05, value: 0});
  output.htmlFor = id;
  output.textContent = '0';
  adopt(input, output, send);
  parent.append(caption, input);
  sliders.set(key, input);
}

// --- lists ----------------------------------------------------------------------------------

function leave(list, forMs) { list.leftUntilMs = performance.now() + forMs; }

// What is shown may have been asked for elsewhere, under a name that is not in the list.
function select(list, name, value = name) {
  const options = [...list.options];
  const shown = options.find(option => option.textContent === name) ?? new Option(name, value);
  if (!options.includes(shown)) list.append(shown);
  if (!shown.selected) shown.selected = true;
}

function follow(list, name, value) {
  if (name && !(performance.now() < list.leftUntilMs)) select(list, name, value);
}

// --- settings -------------------------------------------------------------------------------

// A number that is to be set as it is, below zero too, is told apart from a step by "=".
const plain = value => (Number(value) < 0 ? `=${value}` : `${value}`);

function takeFacts(facts) {
  byId('teach').hidden = !facts.teach;
  const list = byId('presets'), chosen = list.value;
  list.replaceChildren(...facts.presets.map(name => new Option(name, name)));
  if (chosen) select(list, chosen);
  for (const name of facts.maps) {
    addSlider(byId('mix'), `mix ${name}`, name, facts.ranges.mix, v => `mix ${name}=${v}`);
  }
  for (const name of facts.regions) {
    addSlider(byId('regions'), `region ${name}`, name, facts.ranges.region, v => `region ${name}=${v}`);
  }
  addSlider(byId('feel'), 'feel smoothing', 'calm against quick', facts.ranges.smoothing, v => `feel smoothing=${v}`);
  addSlider(byId('feel'), 'feel easing_s', 'seconds a change takes', facts.ranges.easing_s, v => `feel easing_s=${v}`);
  addSlider(byId('feel'), 'damping', 'hold back my own expression', facts.ranges.damping, v => `damping ${v}`);
}

function takeSettings({preset, controls}) {
  follow(byId('presets'), preset.name);
  byId('intensity').show(controls.intensity);
  for (const [key, input] of sliders) {
    const [kind, name] = key.split(/ (.*)/);
    if (kind === 'mix') input.show(preset.mix[name] ?? 0);
    if (kind === 'region') input.show(preset.regions[name]);
    if (kind === 'feel') input.show(preset.feel[name]);
    if (kind === 'damping') input.show(preset.damping);
  }
  for (const name of ['on', 'frozen', 'mirrored']) {
    mark(byId(`switch-${name}`), 'aria-pressed', controls[name]);
  }
}

// --- the picture ----------------------------------------------------------------------------

function draw() {
  if (!shown) return;
  const {header, bitmap} = shown, {width, height} = header;
  if (picture.width !== width || picture.height !== height) Object.assign(picture, {width, height});
  const g = picture.getContext('2d'), part = Number(divider.value) / 100;
  const top = header.before ? height : 0, cut = Math.round(width * part);
  g.drawImage(bitmap, 0, top, width, height, 0, 0, width, height);
  if (header.before && cut > 0) g.drawImage(bitmap, 0, 0, cut, height, 0, 0, cut, height);
  if (overlay) drawFaces(g, header);
  line.style.left = `${100 * part}%`;
  byId('tag-before').hidden = part < 0.12;
  byId('tag-after').hidden = part > 0.88;
}

function drawFaces(g, {faces = [], free = [], controls, width, height}) {
  const PARTS = 10000;
  faces.forEach((points, face) => {
    for (let i = 0; i < points.length; i += 2) {
      const x = (controls.mirrored ? PARTS - points[i] : points[i]) / PARTS * width;
      const part = free[face]?.[i / 2] ?? PARTS;
      g.fillStyle = part < PARTS / 2 ? '#ff5a4d' : '#78ffa0';
      g.fillRect(x - 1, points[i + 1] / PARTS * height - 1, 2, 2);
    }
  });
}

function drawGraph() {
  const graph = byId('graph'), g = graph.getContext('2d');
  const {clientWidth: width, clientHeight: height} = graph, fine = devicePixelRatio;
  const size = {width: Math.round(width * fine), height: Math.round(height * fine)};
  if (graph.width !== size.width || graph.height !== size.height) Object.assign(graph, size);
  g.setTransform(fine, 0, 0, fine, 0, 0);
  const style = getComputedStyle(document.documentElement);
  g.clearRect(0, 0, width, height);
  g.font = '12px system-ui, sans-serif';
  const lines = [['latency_ms', 100, '--accent', 'ms'], ['fps', 60, '--good', 'fps']];
  lines.forEach(([name, least, colour, unit], row) => {
    const values = history.map(one => one[name] ?? 0), most = Math.max(least, ...values);
    g.strokeStyle = g.fillStyle = style.getPropertyValue(colour);
    g.lineWidth = 1.5;
    g.beginPath();
    values.forEach((value, i) => {
      const x = i * width / (GRAPH_POINTS - 1), y = height - 4 - (height - 22) * value / most;
      if (i) g.lineTo(x, y); else g.moveTo(x, y);
    });
    g.stroke();
    g.fillText(`${unit}, up to ${Math.round(most)}`, 8 + row * 110, 16);
  });
}

function takeReadings(header) {
  history.push(header);
  if (history.length > GRAPH_POINTS) history.shift();
  if (performance.now() - readMs < READINGS_REST_MS) return;
  readMs = performance.now();
  const ms = value => (value === undefined ? '–' : `${value.toFixed(1)} ms`);
  const {detect, smooth = 0, place = 0, apply} = header.stages_ms;
  put(byId('fps'), header.fps === null ? '–' : header.fps.toFixed(1));
  put(byId('latency'), ms(header.latency_ms));
  put(byId('detect'), ms(detect));
  put(byId('filter'), apply === undefined ? '–' : ms(smooth + place + apply));
  put(byId('strength'), header.n_faces ? header.strength.toFixed(2) : 'no face');
  drawGraph();
}

async function takePacket(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const bitmap = await createImageBitmap(new Blob([new Uint8Array(buffer, 4 + length)], {type: 'image/jpeg'}));
  shown?.bitmap.close();
  shown = {header, bitmap};
  draw();
  takeSettings(header);
  takeReadings(header);
  if (header.lesson) takeLesson(header.lesson);
  const told = header.said.at(-1);
  // What an answer said already stays as it was said: an error stays red.
  if (told && told !== byId('state').textContent) say(told);
  // The next picture is asked for when this one is on the screen: a slow page gets fewer.
  requestAnimationFrame(makeReady);
}

function makeReady() {
  ask({ready: {before: Number(divider.value) > 0, overlay}});
}

// --- teaching -------------------------------------------------------------------------------

const GUIDANCE_REST_MS = 350; // what changes sooner is not worth being read aloud
let guidance = '', guidanceSinceMs = 0, learned = 0;

function takeLesson({guidance: now, ready, stage, taking, n_taken: shown = 0, enough = 3, note, bad, busy, n_kept: kept}) {
  const text = busy || note || now || '', line = byId('guidance');
  if (text !== guidance) { guidance = text; guidanceSinceMs = performance.now(); }
  if (line.textContent !== text && performance.now() - guidanceSinceMs >= GUIDANCE_REST_MS) line.textContent = text;
  line.classList.toggle('bad', bad);
  line.classList.toggle('ready', !bad && Boolean(ready));
  put(byId('shown-times'), `${shown} of ${enough}`);
  for (const button of document.querySelectorAll('[data-teach]')) {
    button.classList.toggle('next', button.dataset.teach === stage);
    mark(button, 'aria-busy', Boolean(taking) && button.dataset.teach === stage);
  }
  if (kept !== learned) { learned = kept; ask({ask: 'facts'}); }
}

// --- the machine ----------------------------------------------------------------------------

function takeFindings(findings) {
  byId('findings').replaceChildren(...findings.map(({name, level, what, fix}) => {
    const finding = document.createElement('div'), title = document.createElement('strong');
    finding.className = `finding ${level}`;
    title.textContent = `${name}: ${level}`;
    finding.append(title, document.createElement('br'), what);
    if (fix) {
      const code = document.createElement('code');
      code.textContent = fix;
      finding.append(code);
    }
    return finding;
  }));
  byId('doctor').disabled = false;
}

// --- the camera -----------------------------------------------------------------------------

async function takeCameras(cameras) {
  const answer = await command('status');
  byId('cameras').replaceChildren(...cameras.map(({name, source}) => new Option(name, source)));
  showSource(answer);
}

function showSource(answer) {
  follow(byId('cameras'), answer?.status?.source, '');
}

// Others may ask for another camera too.
async function followSource() {
  showSource(await command('status'));
  setTimeout(followSource, SOURCE_REST_MS);
}

const chooseSource = paced(async source => {
  const list = byId('cameras');
  say('opening …');
  leave(list, Infinity);
  const answer = await command(`source ${source}`);
  leave(list, 0);
  if (!answer) return;
  say(answer.text, !answer.ok);
  showSource(answer);
});

// --- the connection -------------------------------------------------------------------------

const takers = {
  facts: ({content}) => takeFacts(content),
  doctor: ({content}) => takeFindings(content),
  cameras: ({content}) => takeCameras(content),
  error: ({text}) => {
    say(text, true);
    byId('doctor').disabled = false;
  },
  answer: answer => {
    answering.get(answer.id)?.(answer);
    answering.delete(answer.id);
  },
};

function connect() {
  socket = new WebSocket(new URL('live', location.href.replace(/^http/, 'ws')));
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    waitMs = 500;
    say('live');
    byId('doctor').disabled = false; // what was asked for before is not answered any more
    ask({ask: 'facts'});
    ask({ask: 'cameras'});
    makeReady();
  };
  socket.onmessage = ({data}) => {
    if (typeof data !== 'string') { takePacket(data); return; }
    const message = JSON.parse(data);
    takers[message.kind]?.(message);
  };
  socket.onclose = () => {
    for (const done of answering.values()) done(null);
    answering.clear();
    say('The filter has ended, or this page has lost it. Trying again …', true);
    setTimeout(connect, waitMs);
    waitMs = Math.min(2 * waitMs, 8000);
  };
}

async function carryOut(text) {
  const answer = await command(text);
  if (answer) say(answer.text || 'live', !answer.ok);
  return answer?.ok;
}

adopt(byId('intensity'), byId('intensity-value'), value => `intensity ${plain(value)}`);
divider.addEventListener('input', draw);
byId('cameras').addEventListener('change', event => {
  if (event.target.value) chooseSource(event.target.value);
});
byId('presets').addEventListener('change', async ({target: list}) => {
  leave(list, Infinity);
  await carryOut(`preset ${list.value}`);
  leave(list, DRAG_REST_MS);
});
for (const list of [byId('presets'), byId('cameras')]) {
  for (const touch of ['pointerdown', 'keydown']) {
    list.addEventListener(touch, () => leave(list, OPEN_REST_MS));
  }
}
for (const button of document.querySelectorAll('[data-command]')) {
  button.addEventListener('click', () => carryOut(button.dataset.command));
}
byId('switch-overlay').addEventListener('click', event => {
  overlay = !overlay;
  event.currentTarget.setAttribute('aria-pressed', String(overlay));
});
byId('save').addEventListener('submit', async event => {
  event.preventDefault();
  const name = byId('save-name');
  if (await carryOut(`save ${name.value}`.trim())) { name.value = ''; ask({ask: 'facts'}); }
});
for (const button of document.querySelectorAll('[data-teach]')) {
  button.addEventListener('click', () => ask({teach: button.dataset.teach}));
}
byId('teach').addEventListener('focusin', () => ask({teach: 'attend'}));
byId('learn').addEventListener('submit', event => {
  event.preventDefault();
  ask({teach: 'learn', name: byId('teach-name').value});
});
byId('doctor').addEventListener('click', event => {
  event.currentTarget.disabled = true;
  ask({ask: 'doctor'});
});
connect();
followSource();
