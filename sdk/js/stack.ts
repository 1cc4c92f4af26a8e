import * as raw from "./raw";

// The script is one file made of many. A table says where each line of it came
// from: the names of the sources as JSON, and a line for each of the script's,
// of "column:source:line" where either changes. It is looked at when there is
// an error to show, and not before.

let table: string[] | undefined;
let sources: string[] = [];

/** Says where a place in the script came from. */
function origin(line: number, column: number): string | undefined {
  if (!table) {
    table = raw.sourceMap().split("\n");
    sources = JSON.parse(table[0]!);
  }
  let found: string | undefined;
  for (const spot of (table[line] ?? "").split(" ")) {
    const [from, source, at] = spot.split(":").map(Number);
    if (at === undefined || from! > column - 1) break;
    found = `${sources[source!]}:${at + 1}`;
  }
  return found;
}

/** How many lines of a stack are looked at: recursion has many. */
const maxLines = 20;

/** How many errors that caused one another are shown. */
const maxCauses = 3;

/** An error's name, message and stack, with the places of its sources, and what caused it. */
export function stackOf(e: Error, causes = maxCauses): string {
  const lines: string[] = [];
  try {
    for (let line of (e.stack ?? "").split("\n", maxLines)) {
      line = line.replace(/plugin\.js:(\d+):(\d+)/, (place, row, column) => origin(Number(row), Number(column)) ?? place);
      if (line && !/\((azuhost\/|native\))|plugin\.js/.test(line)) lines.push(line);
    }
  } catch {
    // What was found so far says more than nothing.
  }
  if (e.cause !== undefined && causes > 0) {
    lines.push("caused by " + (e.cause instanceof Error ? stackOf(e.cause, causes - 1) : String(e.cause)));
  }
  return [`${e.name}: ${e.message}`, ...lines].join("\n");
}
