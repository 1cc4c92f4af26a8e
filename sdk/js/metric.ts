import { check, joined } from "./error";
import * as raw from "./raw";

/**
 * The labels of a metric. Every combination of values is a series, and the host limits the number of series: labels
 * should not contain names of rooms or users.
 */
export type Labels = Record<string, string>;

function measure(op: number, name: string, value: number, labels?: Labels): void {
  const text = labels ? joined(Object.entries(labels).map(([k, v]) => `${k}=${v}`), "metric") : "";
  check(raw.metric(op, name, text, value), "metric");
}

/** Returns a metric of the plugin that only grows. */
export const counter = (name: string) => ({
  add: (value = 1, labels?: Labels): void => measure(0, name, value, labels),
});

/** Returns a metric of the plugin that goes up and down. */
export const gauge = (name: string) => ({
  set: (value: number, labels?: Labels): void => measure(1, name, value, labels),
});

/** Returns a histogram of the plugin. */
export const histogram = (name: string) => ({
  observe: (value: number, labels?: Labels): void => measure(2, name, value, labels),
});
