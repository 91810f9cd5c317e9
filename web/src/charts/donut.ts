/**
 * The ring of the allocation, drawn by ECharts. This module is loaded lazily: nothing else may import ECharts.
 *
 * It is a picture only. It knows no amounts but the texts it is given, and the table beside it is its accessible form.
 * Tooltips are drawn into the SVG ("richText"): those made of HTML carry style attributes, which the content policy
 * forbids.
 */

import { PieChart, type PieSeriesOption } from "echarts/charts";
import { TooltipComponent, type TooltipComponentOption } from "echarts/components";
import { type ComposeOption, type ECharts, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { plainText, sameRing, tooltipText } from "./slices";
import type { DonutHandle, DonutOptions, Slice } from "./types";

use([PieChart, TooltipComponent, SVGRenderer]);

type Option = ComposeOption<PieSeriesOption | TooltipComponentOption>;

/** Inner and outer radius: the middle has room for the total, the edge for a highlighted slice to grow. */
const RADIUS: [string, string] = ["62%", "92%"];

/** By so many pixels a highlighted slice grows. */
const GROW_PX = 4;

/** The gap between slices in degrees: it shows the surface behind, so neighbours stay apart in every theme. */
const GAP_DEGREES = 1;

/** Below this angle a slice is narrower than its number. */
const NUMBER_DEGREES_MIN = 6;

/** The size of its number: read from as far away as the table beside it. */
const NUMBER_REM = 0.8125;

const SERIES_ID = "allocation";

const DARK = "(prefers-color-scheme: dark)";

/** Draws a ring into an element that has a size, and keeps to its size and to the theme until disposed of. */
export function mountDonut(element: HTMLElement, { onPoint }: DonutOptions): DonutHandle {
  // No language: ECharts says nothing by itself here.
  const chart = init(element, null, { renderer: "svg" });
  let slices: readonly Slice[] = [];
  let drawn: readonly Slice[] = [];
  let highlighted: string | null = null;
  let pointed = false;

  const point = (key: string | null) => {
    pointed = key !== null;
    onPoint(key);
  };
  const draw = () => {
    chart.setOption(ringOption(slices, (index) => slices[index]));
    drawn = slices;
    mark(chart, drawn, highlighted);
  };
  const paint = () => chart.setOption(themeOf(element));
  chart.setOption({ tooltip: tooltipBehaviour() });
  paint();

  chart.on("mouseover", { seriesId: SERIES_ID }, ({ dataIndex }) => point(drawn[dataIndex]?.key ?? null));
  chart.on("mouseout", { seriesId: SERIES_ID }, () => point(null));
  chart.getZr().on("globalout", () => point(null));
  const stopFollowing = followTheme(paint);

  return {
    update(next) {
      slices = next;
      // A tick that moves no edge by a pixel is not drawn, but an open tooltip shows the newest numbers. Drawing is the
      // way to refresh it: the "showTip" action at a place closes it again a moment later.
      if (pointed || !sameRing(drawn, next)) {
        draw();
      }
    },
    highlight(key) {
      highlighted = key;
      mark(chart, drawn, key);
    },
    resize() {
      chart.resize({ width: element.clientWidth, height: element.clientHeight });
      // The page's unit goes with the width of the window, and the numbers with it.
      draw();
    },
    dispose() {
      stopFollowing();
      chart.dispose();
    },
  };
}

function ringOption(slices: readonly Slice[], at: (index: number) => Slice | undefined): Option {
  return {
    // A ring that glides at every tick is never at rest, and its numbers fly about. The style sheet fades highlights.
    animation: false,
    tooltip: {
      formatter: (parameters) => tooltipText(Array.isArray(parameters) ? undefined : at(parameters.dataIndex)),
    },
    series: {
      id: SERIES_ID,
      type: "pie",
      radius: RADIUS,
      padAngle: slices.length > 1 ? GAP_DEGREES : 0,
      stillShowZeroSum: false,
      minShowLabelAngle: NUMBER_DEGREES_MIN,
      cursor: "default",
      // Not lighter, as is the default: its contrast was chosen.
      emphasis: { focus: "self", scaleSize: GROW_PX, itemStyle: { color: "inherit" } },
      blur: { itemStyle: { opacity: 0.4 }, label: { opacity: 1 } },
      labelLine: { show: false },
      data: slices.map(({ key, part, color, ink, mark: text }) => ({
        // ECharts matches old and new slices by name; keys are unique, labels need not be.
        name: key,
        value: part,
        itemStyle: { color },
        label: {
          show: true,
          position: "inside",
          formatter: () => plainText(text),
          color: ink,
          fontSize: NUMBER_REM * rem(),
        },
      })),
    },
  };
}

/** Moves the highlight to one slice, or to none. */
function mark(chart: ECharts, slices: readonly Slice[], key: string | null) {
  const index = slices.findIndex((slice) => slice.key === key);
  chart.dispatchAction({ type: "downplay", seriesId: SERIES_ID });
  if (index >= 0) {
    chart.dispatchAction({ type: "highlight", seriesId: SERIES_ID, dataIndex: index });
  }
}

/** Pixels of the page's own unit: on a wall everything grows, and what is drawn too. */
function rem(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
}

function tooltipBehaviour(): TooltipComponentOption {
  return {
    show: true,
    trigger: "item",
    renderMode: "richText",
    confine: true,
    transitionDuration: 0,
    padding: [6, 10],
  };
}

/** The theme's colours as the browser resolves them, so that any way of writing a custom property works. */
function themeOf(element: HTMLElement): Option {
  const probe = document.createElement("span");
  probe.hidden = true;
  element.append(probe);
  const resolve = (property: string) => {
    probe.style.color = `var(${property})`;
    return getComputedStyle(probe).color;
  };
  const { fontFamily } = getComputedStyle(element);
  const theme: Option = {
    tooltip: {
      backgroundColor: resolve("--surface-2"),
      borderColor: resolve("--border"),
      textStyle: { color: resolve("--text"), fontSize: 0.75 * rem(), fontFamily },
    },
    // The ring of nothing; its own grey is glaring in the dark.
    series: { id: SERIES_ID, type: "pie", emptyCircleStyle: { color: resolve("--border") } },
  };
  probe.remove();
  return theme;
}

/** Calls back when the system's theme changes or the page's own, which is set on the root element. */
function followTheme(changed: () => void): () => void {
  const system = matchMedia(DARK);
  const page = new MutationObserver(changed);
  system.addEventListener("change", changed);
  page.observe(document.documentElement, { attributes: true, attributeFilter: ["class", "data-theme", "style"] });
  return () => {
    system.removeEventListener("change", changed);
    page.disconnect();
  };
}
