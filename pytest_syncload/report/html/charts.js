// Draws the charts of the page from the numbers in #chart-data. It asks nobody for anything, and writes text only as text.
"use strict";
(() => {
  const HEIGHT = 220, NARROWEST = 240, PAPER_HEIGHT = 160;
  const DASH = { solid: [], dashed: [8, 4], dotted: [2, 3] };
  const root = document.documentElement;
  const charts = [];
  let colours = {};

  // The page's own colours, looked up once for each scheme.
  const colour = name => colours[name] ??= getComputedStyle(root).getPropertyValue("--" + name).trim();

  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // Three digits that a reader decides by, as the tables have them; whole from a thousand on.
  const number = value => {
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 1000) return Math.round(value).toLocaleString("en-US");
    if (size >= 100) return String(Math.round(value * 10) / 10);
    return String(Number(value.toPrecision(3)));
  };
  const clock = (at, seconds) => new Date(at * 1000).toISOString().slice(11, seconds ? 19 : 16);
  const along = (chart, at, step) =>
    chart.axis === "time" ? clock(at, step < 60) :
    chart.axis === "log_ms" ? number(10 ** at) + " ms" : number(at);

  // x is written as offsets, or as a beginning and a step.
  const unpacked = chart => {
    if (!chart.xs) return Array.from({ length: chart.n }, (_, at) => chart.x0 + at * chart.dx);
    return chart.xs.map(offset => chart.x0 + offset);
  };

  // The top of each layer of a stack.
  const stacked = lines => {
    const tops = [];
    let below = lines[0].y.map(() => 0);
    for (const line of lines) {
      below = below.map((sum, at) => sum + (line.hidden ? 0 : line.y[at] ?? 0));
      tops.push(below.map((sum, at) => line.y[at] === null ? null : sum));
    }
    return tops;
  };

  // Round numbers on a logarithmic axis: the finest of these that leave room between their names.
  const DIGITS = [
    Array.from({ length: 90 }, (_, at) => 1 + at / 10), Array.from({ length: 18 }, (_, at) => 1 + at / 2),
    [1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 5], [1],
  ];
  const decimalSplits = (low, high, most) => {
    for (const digits of DIGITS) {
      const splits = [];
      for (let power = Math.floor(low) - 1; power <= Math.ceil(high); power++)
        for (const digit of digits) {
          const at = power + Math.log10(digit);
          if (at >= low && at <= high) splits.push(at);
        }
      const nearest = Math.min(...splits.slice(1).map((at, index) => at - splits[index]));
      if (splits.length < 2 || nearest >= (high - low) / most || digits === DIGITS.at(-1)) return splits;
    }
  };

  const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

  function paintBehind(u, chart) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const band of chart.bands) {
      const from = u.valToPos(band.from, "x", true), to = u.valToPos(band.to, "x", true);
      ctx.fillStyle = colour(band.colour);
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
    }
    ctx.restore();
  }

  function paintBars(u, chart) {
    const { ctx, bbox } = u, y = chart.lines[0].y;
    const wide = chart.n > 1 || chart.xs?.length > 1 ? u.valToPos(chart.x[1], "x", true) - u.valToPos(chart.x[0], "x", true)
      : bbox.width / 10;
    const floor = bbox.top + bbox.height;
    ctx.fillStyle = colour(chart.lines[0].colour);
    y.forEach((value, at) => {
      if (!value) return;
      const tall = Math.max(floor - u.valToPos(value, "y", true), 2 * devicePixelRatio);
      const middle = u.valToPos(chart.x[at], "x", true);
      ctx.fillRect(middle - wide / 2 + .5, floor - tall, Math.max(wide - 1, 1), tall);
    });
  }

  // A sign of its own at each point beyond the target: a triangle, so that colour is not all that tells.
  function paintBeyond(u, chart) {
    const { ctx } = u, size = 5 * devicePixelRatio;
    ctx.fillStyle = colour("breach");
    for (const at of chart.limit.beyond) {
      const value = chart.lines[0].y[at];
      if (value === null || value === undefined) continue;
      const x = u.valToPos(chart.x[at], "x", true), y = u.valToPos(value, "y", true);
      ctx.beginPath();
      ctx.moveTo(x, y - size);
      ctx.lineTo(x + size, y + size);
      ctx.lineTo(x - size, y + size);
      ctx.fill();
    }
  }

  // A period without one after it lasts as long as the others too, though no line leads on from it.
  function paintEnds(u, chart) {
    const { ctx } = u;
    chart.lines.forEach((line, index) => {
      if (line.look !== "steps" || !u.series[index + 1].show) return;
      ctx.strokeStyle = colour(line.colour);
      ctx.lineWidth = 1.6 * devicePixelRatio;
      ctx.setLineDash(DASH[line.dash].map(length => length * devicePixelRatio));
      const y = u.data[index + 1];
      for (let at = 0; at < chart.x.length - 1; at++) {
        if (y[at] === null || y[at + 1] !== null) continue;
        const level = u.valToPos(y[at], "y", true);
        ctx.beginPath();
        ctx.moveTo(u.valToPos(chart.x[at], "x", true), level);
        ctx.lineTo(u.valToPos(Math.min(chart.x[at] + chart.period, chart.x[at + 1]), "x", true), level);
        ctx.stroke();
      }
    });
    ctx.setLineDash([]);
  }

  // Text over lines stays readable on a ground of its own.
  function label(ctx, text, x, y) {
    const wide = ctx.measureText(text).width, tall = 13 * devicePixelRatio;
    const left = ctx.textAlign === "right" ? x - wide : x;
    const fill = ctx.fillStyle;
    ctx.fillStyle = colour("ground");
    ctx.globalAlpha = .8;
    ctx.fillRect(left - 2, y, wide + 4, tall);
    ctx.globalAlpha = 1;
    ctx.fillStyle = fill;
    ctx.fillText(text, x, y);
  }

  function paintOver(u, chart) {
    const { ctx, bbox } = u, dot = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top - 1, bbox.width, bbox.height + 2);
    ctx.clip();
    if (chart.lines[0].look === "bars") paintBars(u, chart);
    if (chart.period && !chart.stacked) paintEnds(u, chart);
    ctx.font = `${11 * dot}px system-ui, sans-serif`;
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    ctx.fillStyle = colour("quiet");
    // Where the target runs along the top, its name stands there.
    const low = chart.limit && u.valToPos(chart.limit.value, "y", true) < bbox.top + 24 * dot;
    const top = low ? bbox.top + bbox.height - 16 * dot : bbox.top + 3 * dot;
    for (const band of chart.bands) {
      const from = Math.max(u.valToPos(band.from, "x", true), bbox.left);
      const to = Math.min(u.valToPos(band.to, "x", true), bbox.left + bbox.width);
      if (ctx.measureText(band.label).width + 8 * dot < to - from) label(ctx, band.label, from + 4 * dot, top);
    }
    ctx.font = `600 ${11 * dot}px system-ui, sans-serif`;
    ctx.lineWidth = 1.5 * dot;
    if (chart.limit) {
      const y = u.valToPos(chart.limit.value, "y", true);
      ctx.strokeStyle = colour("mark");
      ctx.setLineDash([6 * dot, 4 * dot]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.setLineDash([]);
      paintBeyond(u, chart);
      ctx.fillStyle = colour("mark");
      // On the side that has no marks, whose names stand at the top.
      const left = chart.marks.some(mark => u.valToPos(mark.at, "x", true) > bbox.left + bbox.width / 2);
      ctx.textAlign = left ? "left" : "right";
      const above = y - 16 * dot, side = left ? bbox.left + 6 * dot : bbox.left + bbox.width - 6 * dot;
      label(ctx, chart.limit.label, side, above < bbox.top ? y + 3 * dot : above);
    }
    // Names of marks that stand close go one below the other.
    let last = -Infinity, line = 0;
    for (const mark of [...chart.marks].sort((one, other) => one.at - other.at)) {
      const x = u.valToPos(mark.at, "x", true);
      ctx.strokeStyle = ctx.fillStyle = colour(mark.colour);
      ctx.setLineDash([3 * dot, 3 * dot]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.setLineDash([]);
      const wide = ctx.measureText(mark.label).width, fits = x + wide + 8 * dot < bbox.left + bbox.width;
      line = x < last ? line + 1 : 0;
      last = Math.max(last, x + wide + 10 * dot);
      ctx.textAlign = fits ? "left" : "right";
      label(ctx, mark.label, fits ? x + 4 * dot : x - 4 * dot, bbox.top + (3 + 15 * line) * dot);
    }
    ctx.restore();
  }

  const yRange = chart => (u, low, high) => {
    if (low === null || low === undefined) [low, high] = [0, 1];
    if (chart.limit) [low, high] = [Math.min(low, chart.limit.value), Math.max(high, chart.limit.value)];
    low = Math.min(0, low);
    return [low < 0 ? low * 1.08 : 0, high > 0 ? high * 1.12 : 1];
  };

  const xRange = (u, low, high) => {
    const bars = u.chart.lines[0].look === "bars", x = u.chart.x;
    const step = bars ? (x.length > 1 ? x[1] - x[0] : .2) : 0;
    if (low === high && !bars) return [low - 30, high + 30];
    if (u.chart.axis === "number") return [0, high];
    // Of bars with some room on the right, for the name of a percentile that stands near the end.
    return [low - step / 2, high + step / 2 + (bars ? .09 * (high - low) : 0)];
  };

  // The last minute lasts as long as the others.
  function prolonged(chart, data) {
    if (!chart.period || !chart.lines.some(line => line.look === "steps")) return data;
    return [[...data[0], data[0].at(-1) + chart.period], ...data.slice(1).map(y => [...y, y.at(-1)])];
  }

  function series(chart) {
    return chart.lines.map(line => {
      const bars = line.look === "bars", points = line.look === "points", few = line.y.length <= 45;
      return {
        label: line.label,
        stroke: () => bars || points || line.hidden ? "transparent" : colour(line.colour),
        fill: chart.stacked ? () => colour(line.colour) : undefined,
        width: 1.6,
        dash: chart.stacked ? [] : DASH[line.dash],
        paths: bars || points ? () => null
          : line.look === "steps" ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
        points: { show: points || (line.look === "steps" && few), size: points ? 9 : 4.5,
                  stroke: () => colour(line.colour), fill: () => colour(line.colour),
                  // Not the end of the last minute, which is no data point.
                  filter: (u, at, show) => show && chart.x.flatMap((_, index) => u.data[at][index] === null ? [] : [index]) },
        spanGaps: chart.axis === "number",
      };
    });
  }

  function axes(chart) {
    const common = {
      stroke: () => colour("quiet"), font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif",
      grid: { stroke: () => colour("grid"), width: 1 }, ticks: { stroke: () => colour("grid"), width: 1, size: 5 },
    };
    const x = { ...common, label: chart.xLabel, labelSize: 18, size: 30, space: 64,
                values: (u, splits, _, __, step) => splits.map(at => along(chart, at, step)) };
    if (chart.axis === "time") x.incrs = TIME_STEPS;
    if (chart.axis === "log_ms") {
      x.splits = (u, _, low, high) => decimalSplits(low, high, u.bbox.width / devicePixelRatio / 52);
      x.space = 20;
    }
    const y = { ...common, size: 72, space: 34,
                values: (u, splits) => splits.map(at => at === null ? "" : number(at) + chart.unit) };
    return [x, y];
  }

  function legend(chart, plot) {
    const line = element("div", "legend");
    const at = element("span", "at");
    const values = chart.lines.map((each, index) => {
      const button = element("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "true");
      const swatch = element("span", each.look === "points" ? "swatch points" : "swatch");
      swatch.style.color = `var(--${each.colour})`;
      swatch.style.borderTopStyle = chart.stacked ? "solid" : each.dash;
      const value = element("span", "value");
      button.append(swatch, element("span", "", each.label), value);
      button.addEventListener("click", () => {
        const shown = button.getAttribute("aria-pressed") === "false";
        button.setAttribute("aria-pressed", String(shown));
        each.hidden = !shown;
        // Without one of its layers a stack is another stack.
        if (chart.stacked) chart.u.setData(prolonged(chart, [chart.x, ...stacked(chart.lines)]));
        else chart.u.setSeries(index + 1, { show: shown });
      });
      line.append(button);
      return value;
    });
    line.append(at);
    plot.append(line);
    return index => {
      const inside = index !== null && index !== undefined && index < chart.x.length;
      at.textContent = inside ? along(chart, chart.x[index], 1) : "";
      chart.lines.forEach((each, nth) => {
        const value = inside ? each.y[index] : null;
        values[nth].textContent = value === null || value === undefined ? "" : number(value) + chart.unit;
      });
      return inside ? `${along(chart, chart.x[index], 1)}: ` + chart.lines.map((each, nth) =>
        `${each.label} ${values[nth].textContent || "none"}`).join(", ") : "";
    };
  }

  // Arrow keys move along the chart, and what is there is said.
  function keys(chart, canvas, show) {
    const heard = element("span", "heard");
    heard.setAttribute("role", "status");
    canvas.after(heard);
    let index = 0;
    canvas.addEventListener("keydown", event => {
      const last = chart.x.length - 1;
      const page = Math.max(1, Math.round(last / 20));
      const to = { ArrowRight: index + 1, ArrowLeft: index - 1, PageUp: index + page, PageDown: index - page,
                   Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      index = Math.min(Math.max(to, 0), last);
      const first = chart.lines.find(each => each.y[index] !== null) ?? chart.lines[0];
      chart.u.setCursor({ left: chart.u.valToPos(chart.x[index], "x"), top: chart.u.valToPos(first.y[index] ?? 0, "y") });
      heard.textContent = show(index);
    });
  }

  function draw(chart, wide) {
    const { plot } = chart;
    const canvas = element("div", "canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "group");
    canvas.setAttribute("aria-roledescription", "chart");
    canvas.setAttribute("aria-labelledby", chart.id + "-name");
    canvas.setAttribute("aria-describedby", chart.id + "-says");
    const show = legend(chart, plot);
    plot.append(canvas);
    const ys = chart.stacked ? stacked(chart.lines) : chart.lines.map(line => line.y);
    let data = prolonged(chart, [chart.x, ...ys]);
    const lines = series(chart);
    const options = {
      width: wide, height: HEIGHT, padding: [8, 30, 0, 0], legend: { show: false }, axes: axes(chart),
      scales: {
        x: { time: false, range: xRange },
        y: chart.log ? { distr: 3, log: 10 } : { range: yRange(chart) },
      },
      cursor: { points: { show: chart.lines[0].look !== "bars" }, y: false, drag: { x: true, y: false },
                ...(chart.group && chart.axis === "time" ? { sync: { key: chart.group, scales: ["x", null] } } : {}) },
      series: [{}, ...lines],
      hooks: {
        init: [u => { u.chart = chart; }],
        drawAxes: [u => paintBehind(u, chart)],
        draw: [u => paintOver(u, chart)],
        setCursor: [u => show(u.cursor.idx)],
      },
    };
    if (chart.log) data = [data[0], ...data.slice(1).map(y => y.map(value => value > 0 ? value : null))];
    // Each layer is filled down to the one below it.
    if (chart.stacked) options.bands = lines.slice(1).map((_, at) => ({ series: [at + 2, at + 1] }));
    chart.u = new uPlot(options, data, canvas);
    keys(chart, canvas, show);
    charts.push(chart);
  }

  const width = plot => Math.max(NARROWEST, Math.floor(plot.parentElement.getBoundingClientRect().width));

  const redraw = () => {
    colours = {};
    for (const chart of charts) chart.u.redraw(false);
  };

  const all = JSON.parse(document.getElementById("chart-data").textContent);
  for (const chart of all) {
    chart.plot = document.querySelector(`.plot[data-chart="${chart.id}"]`);
    chart.x = unpacked(chart);
  }
  // All widths first: to ask for one after each chart was put in would lay the page out anew each time.
  const widths = all.map(chart => width(chart.plot));
  all.forEach((chart, at) => draw(chart, widths[at]));
  root.dataset.charts = String(charts.length);
  document.querySelector(".hint").hidden = !charts.length;
  document.querySelector(".unscripted").hidden = true;
  // When they are seen: `python -m benchmarks.report_page` asks for it.
  requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("charts drawn")));

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  const fit = height => {
    const wides = charts.map(chart => width(chart.plot));
    charts.forEach((chart, at) => {
      if (wides[at] !== chart.u.width || height !== chart.u.height) chart.u.setSize({ width: wides[at], height });
    });
  };
  let printing = false;
  new ResizeObserver(() => printing || fit(HEIGHT)).observe(document.body);

  // Paper is white, and of one width.
  addEventListener("beforeprint", () => {
    printing = true;
    root.classList.add("paper");
    redraw();
    fit(PAPER_HEIGHT);
  });
  addEventListener("afterprint", () => {
    printing = false;
    root.classList.remove("paper");
    redraw();
    fit(HEIGHT);
  });
})();
