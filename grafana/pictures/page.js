/* Draws a dashboard in the browser, in the manner of Grafana: its panels in its grid, the answers of its queries in them. */

/* global uPlot, document */

const WIDTH = 1400;
const ROW = 38;
const GAP = 8;
const BLUE = '#1f62e0';
const PALETTE = ['#3d85c6', '#e0a526', '#3fa45b', '#a58bc9', '#d64550', '#5b6b7a', '#c77d9b', '#6fb7b7'];

// oxlint-disable-next-line no-unused-vars -- called by draw.ts
function drawDashboard({ title, choice, panels, nowMs }) {
  document.body.innerHTML = '';
  const head = add(document.body, 'div', 'head');
  add(head, 'b', '', title);
  for (const [name, value] of choice) add(head, 'span', 'choice', `${name}  ${value}`);
  const grid = add(document.body, 'div', 'grid');
  grid.style.height = `${Math.max(...panels.map(({ gridPos: { y, h } }) => (y + h) * ROW))}px`;
  for (const panel of panels) {
    const { x, y, w, h } = panel.gridPos;
    const column = (WIDTH - GAP) / 24;
    const box = add(grid, 'div', 'panel');
    Object.assign(box.style, {
      left: `${x * column + GAP}px`,
      top: `${y * ROW}px`,
      width: `${w * column - GAP}px`,
      height: `${h * ROW - GAP}px`,
    });
    add(box, 'div', 'title', panel.title);
    const body = add(box, 'div', 'body');
    const size = { width: w * column - GAP - 18, height: h * ROW - GAP - 34 };
    const context = { panel, body, size, nowMs, rows: panel.answer.rows, columns: panel.answer.columns };
    if (panel.answer.rows.length === 0 && panel.type !== 'stat') add(body, 'div', 'none', noValue(panel));
    else DRAW[panel.type](context);
  }
}

const DRAW = {
  stat: drawStat,
  table: drawTable,
  timeseries: drawSeries,
  'state-timeline': drawTimeline,
  logs: drawLogs,
  traces: drawTrace,
};

function noValue(panel) {
  return panel.fieldConfig.defaults.noValue || 'No data';
}

function drawStat({ panel, body, size, rows, columns, nowMs }) {
  const raw = rows[0]?.[columns[0].name];
  const { defaults } = panel.fieldConfig;
  const word =
    raw === undefined || raw === null ? noValue(panel) : format(raw, defaults.unit, defaults.decimals, nowMs);
  const color = colorOfWord(defaults.mappings, raw) ?? colorOfNumber(defaults.thresholds.steps, Number(raw));
  const text = add(body, 'div', 'stat', word);
  text.style.color = color;
  // As Grafana does it: as big as it fits.
  text.style.fontSize = `${Math.min(34, Math.floor((size.width - 4) / (word.length * 0.68)))}px`;
}

function drawTable({ panel, body, size, rows, columns, nowMs }) {
  const table = add(body, 'table');
  const header = add(add(table, 'thead'), 'tr');
  const widths = columns.map(({ name }) => Number(propertyOf(panel, name, 'custom.width') ?? 0));
  columns.forEach(({ name, type }, index) => {
    const cell = add(
      header,
      'th',
      isNumber(type) && propertyOf(panel, name, 'mappings') === undefined ? 'number' : '',
      name,
    );
    if (widths[index] > 0) cell.style.width = `${widths[index]}px`;
  });
  const content = add(table, 'tbody');
  for (const row of rows.slice(0, Math.floor((size.height - 28) / 26))) {
    const line = add(content, 'tr');
    for (const { name, type } of columns) drawCell(line, panel, { name, type, value: row[name], nowMs });
  }
}

function drawCell(line, panel, { name, type, value, nowMs }) {
  const cell = add(line, 'td', isNumber(type) ? 'number' : '');
  const unit = propertyOf(panel, name, 'unit');
  const text =
    value === null || value === '' ? '' : format(value, unit, propertyOf(panel, name, 'decimals'), nowMs);
  if (propertyOf(panel, name, 'custom.cellOptions')?.type === 'gauge' && value !== null) {
    const bar = add(add(cell, 'div', 'gauge'), 'div');
    bar.style.width = `${Math.min(1, Number(value)) * 70}px`;
    add(cell.firstChild, 'span', '', text);
    return;
  }
  cell.textContent = text;
  if (propertyOf(panel, name, 'links') !== undefined && text !== '') cell.style.color = BLUE;
  const steps = propertyOf(panel, name, 'thresholds')?.steps;
  if (steps !== undefined && value !== null) cell.style.color = colorOfNumber(steps, Number(value));
  const word = colorOfWord(propertyOf(panel, name, 'mappings'), value);
  if (word !== undefined) cell.style.color = word;
}

/** One column a series; or, where the second is a text, one series for each of its values. */
function seriesOf({ rows, columns }) {
  const times = [...new Set(rows.map((row) => Date.parse(`${row.time.replace(' ', 'T')}Z`) / 1000))].toSorted(
    (a, b) => a - b,
  );
  const place = new Map(times.map((at, index) => [at, index]));
  const series = new Map();
  const label = columns.slice(1).find(({ type }) => !isNumber(type));
  for (const row of rows) {
    const at = place.get(Date.parse(`${row.time.replace(' ', 'T')}Z`) / 1000);
    for (const { name, type } of columns.slice(1)) {
      if (!isNumber(type)) continue;
      const key = label === undefined ? name : row[label.name];
      if (!series.has(key)) series.set(key, Array(times.length).fill(null));
      series.get(key)[at] = row[name] === null ? null : Number(row[name]);
    }
  }
  return { times, series };
}

function drawSeries({ panel, body, size, rows, columns, nowMs }) {
  const { times, series } = seriesOf({ rows, columns });
  const { defaults } = panel.fieldConfig;
  const isStacked = defaults.custom.drawStyle === 'bars';
  const names = [...series.keys()].filter(
    (name) => !isStacked || series.get(name).some((value) => value > 0),
  );
  const colors = new Map(
    names.map((name, index) => [
      name,
      propertyOf(panel, name, 'color')?.fixedColor ?? PALETTE[index % PALETTE.length],
    ]),
  );
  const total = Array(times.length).fill(0);
  const stacked = names.map((name) => series.get(name).map((value, index) => (total[index] += value ?? 0)));
  const data = isStacked
    ? [times, ...stacked.toReversed()]
    : [times, ...names.map((name) => series.get(name))];
  const drawn = (isStacked ? names.toReversed() : names).map((name) => {
    const color = colors.get(name);
    const isEdge = propertyOf(panel, name, 'custom.lineWidth') === 0;
    if (isStacked)
      return {
        label: name,
        fill: color,
        stroke: color,
        width: 0,
        points: { show: false },
        paths: uPlot.paths.bars({ size: [0.85, 60] }),
      };
    return {
      label: name,
      stroke: isEdge ? 'transparent' : color,
      width: isEdge ? 0 : 2,
      spanGaps: true,
      points: { show: !isEdge && times.length < 60, size: 5, fill: color },
      ...(defaults.custom.lineInterpolation === 'stepAfter'
        ? { paths: uPlot.paths.stepped({ align: 1 }) }
        : {}),
    };
  });
  const legendHeight = 22;
  const band = names
    .map((name) => propertyOf(panel, name, 'custom.fillBelowTo'))
    .map((low, index) =>
      low === undefined
        ? undefined
        : { series: [index + 1, names.indexOf(low) + 1], fill: 'rgba(110, 125, 140, 0.22)' },
    )
    .filter(Boolean);
  new uPlot(
    {
      ...size,
      height: size.height - legendHeight,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { range: [panel.fromMs / 1000, nowMs / 1000] },
        y: { range: (_, low, high) => [Math.min(0, low), high * 1.05 || 1] },
      },
      axes: [
        {
          stroke: '#6b7785',
          grid: { stroke: '#eef0f2' },
          font: '11px sans-serif',
          values: (_, ticks) => ticks.map((tick) => tickText(tick, nowMs - panel.fromMs)),
        },
        {
          stroke: '#6b7785',
          grid: { stroke: '#eef0f2' },
          font: '11px sans-serif',
          size: 72,
          values: (_, ticks) => ticks.map((tick) => format(tick, defaults.unit, undefined, nowMs)),
        },
      ],
      series: [{}, ...drawn],
      ...(band.length > 0 ? { bands: band } : {}),
    },
    data,
    body,
  );
  const legend = add(body, 'div', 'legend');
  for (const name of names) {
    const mark = add(legend, 'i');
    mark.style.background = colors.get(name);
    add(legend, 'span', '', name);
  }
}

function tickText(seconds, rangeMs) {
  const iso = new Date(seconds * 1000).toISOString();
  return rangeMs > 3 * 86_400_000 ? iso.slice(5, 10) : iso.slice(11, 16);
}

function drawTimeline({ panel, body, size, rows, columns }) {
  const { times, series } = seriesOf({ rows, columns });
  const first = times[0];
  const length = Math.max(1, times.at(-1) - first);
  const names = [...series.keys()];
  const height = Math.min(22, size.height / names.length);
  const words = Object.values(panel.fieldConfig.defaults.mappings[0].options);
  names.forEach((name, line) => {
    const values = series.get(name);
    const label = add(body, 'div', 'lane', name);
    Object.assign(label.style, {
      top: `${line * height}px`,
      height: `${height}px`,
      lineHeight: `${height}px`,
    });
    const from = values.findIndex((value) => value !== null);
    const until = values.findIndex(
      (value, index) =>
        index > from &&
        rows.some(
          (row) =>
            row.client === name &&
            row.verdict === null &&
            Date.parse(`${row.time.replace(' ', 'T')}Z`) / 1000 === times[index],
        ),
    );
    const bar = add(body, 'div', 'bar');
    const span = size.width - 110;
    Object.assign(bar.style, {
      left: `${100 + ((times[from] - first) / length) * span}px`,
      width: `${Math.max(3, ((times[until === -1 ? times.length - 1 : until] - times[from]) / length) * span)}px`,
      top: `${line * height + 2}px`,
      height: `${height - 4}px`,
      background: words.find(({ index }) => index === values[from])?.color ?? '#ccc',
    });
  });
}

function drawLogs({ body, size, rows }) {
  for (const row of rows.slice(0, Math.floor(size.height / 19))) {
    const line = add(body, 'div', 'log');
    const mark = add(line, 'i');
    mark.style.background = row.level === 'ERROR' ? '#d64550' : '#3fa45b';
    add(line, 'span', 'dim', String(row.timestamp).slice(11, 23));
    add(line, 'span', '', ` ${row.body}`);
  }
}

function drawTrace({ body, size, rows }) {
  const start = (row) => Date.parse(`${row.startTime.slice(0, 23).replace(' ', 'T')}Z`);
  const first = Math.min(...rows.map(start));
  const length = Math.max(...rows.map((row) => start(row) + Number(row.duration))) - first;
  rows.slice(0, Math.floor(size.height / 18)).forEach((row, line) => {
    const label = add(body, 'div', 'lane', row.operationName);
    Object.assign(label.style, {
      top: `${line * 18}px`,
      height: '18px',
      lineHeight: '18px',
      paddingLeft: row.parentSpanID === '' ? '0' : '10px',
    });
    const bar = add(body, 'div', 'bar');
    const span = size.width - 170;
    Object.assign(bar.style, {
      left: `${110 + ((start(row) - first) / length) * span}px`,
      width: `${Math.max(2, (Number(row.duration) / length) * span)}px`,
      top: `${line * 18 + 4}px`,
      height: '10px',
      background: Number(row.statusCode) === 2 ? '#d64550' : '#3d85c6',
    });
  });
}

function propertyOf(panel, column, id) {
  return panel.fieldConfig.overrides
    ?.filter(({ matcher }) => matcher.id === 'byName' && matcher.options === column)
    .flatMap(({ properties }) => properties)
    .findLast((property) => property.id === id)?.value;
}

function colorOfWord(mappings, value) {
  return mappings?.map(({ options }) => options[String(value)]?.color).find((color) => color !== undefined);
}

function colorOfNumber(steps, value) {
  return steps.findLast((step) => step.value === null || value >= step.value)?.color;
}

function isNumber(type) {
  return /^(Nullable\()?(U?Int|Float)/.test(type);
}

const FORMATS = {
  ms: (value) => duration(value),
  s: (value) => duration(value * 1000),
  percentunit: (value, decimals = 0) => `${(value * 100).toFixed(decimals)} %`,
  bytes: (value) => scaled(value, 1024, ['B', 'KiB', 'MiB', 'GiB']),
  short: (value, decimals) =>
    Math.abs(value) < 1000
      ? String(Number(value.toFixed(decimals ?? 2)))
      : scaled(value, 1000, ['', 'K', 'M', 'G']),
};

function format(value, unit, decimals, nowMs) {
  if (unit === 'dateTimeFromNow')
    return fromNow(typeof value === 'number' || /^\d+$/.test(value) ? Number(value) : time(value), nowMs);
  if (unit === 'time:HH:mm:ss') return String(value).slice(11, 19);
  if (unit === 'dateTimeAsIso') return String(value).slice(0, 19);
  const number = Number(value);
  if (typeof value === 'string' && !/^-?\d+(\.\d+)?$/.test(value))
    return /^\d{4}-\d\d-\d\d /.test(value) ? value.slice(0, 19) : value;
  if (unit !== undefined && FORMATS[unit] !== undefined) return FORMATS[unit](number, decimals);
  return typeof value === 'number' ? String(Number(number.toFixed(3))) : String(value);
}

function time(text) {
  return Date.parse(`${text.slice(0, 23).replace(' ', 'T')}Z`);
}

function fromNow(ms, nowMs) {
  const away = Math.abs(ms - nowMs);
  const [size, word] = [
    [86_400_000, 'day'],
    [3_600_000, 'hour'],
    [60_000, 'minute'],
    [1000, 'second'],
  ].find(([unit]) => away >= unit) ?? [1000, 'second'];
  const count = Math.max(1, Math.round(away / size));
  const text = `${count} ${word}${count === 1 ? '' : 's'}`;
  return ms > nowMs ? `in ${text}` : `${text} ago`;
}

function duration(ms) {
  const [size, word] = [
    [86_400_000, 'day'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
  ].find(([unit]) => Math.abs(ms) >= unit) ?? [1, 'ms'];
  return `${Number((ms / size).toFixed(1))} ${word}`;
}

function scaled(value, base, words) {
  const power = Math.min(
    words.length - 1,
    Math.max(0, Math.floor(Math.log(Math.abs(value) || 1) / Math.log(base))),
  );
  return `${Number((value / base ** power).toFixed(1))} ${words[power]}`.trim();
}

function add(parent, tag, className = '', text = '') {
  const element = document.createElement(tag);
  if (className !== '') element.className = className;
  if (text !== '') element.textContent = text;
  parent.append(element);
  return element;
}
