import * as raw from "./raw";

// The bundler makes one script of all sources. Its source map is text: the first line is the names of the sources as
// JSON. Each further line belongs to a line of the script. It lists "column:source:line" for the columns where the
// source or its line changes. The text is parsed when the first stack is formatted.

let table: string[] | undefined;
let sources: string[] = [];

/** Returns the source and line of a position in the script, as "source:line"; undefined if there is none. */
function origin(line: number, column: number): string | undefined {
  if (!table) {
    table = raw.sourceMap().split("\n");
    sources = JSON.parse(table[0]!);
  }
  let found: string | undefined;
  for (const entry of (table[line] ?? "").split(" ")) {
    const [from, source, at] = entry.split(":").map(Number);
    if (at === undefined || from! > column - 1) break;
    found = `${sources[source!]}:${at + 1}`;
  }
  return found;
}

/** The number of lines of a stack that are formatted. Endless recursion has many more. */
const maxLines = 20;

/** The number of causes of an error that are formatted. */
const maxCauses = 3;

/** Formats the name, the message and the stack of an error, with positions in the sources, and its causes. */
export function stackOf(e: Error, causes = maxCauses): string {
  const lines: string[] = [];
  try {
    for (let line of (e.stack ?? "").split("\n", maxLines)) {
      line = line.replace(/plugin\.js:(\d+):(\d+)/, (text, row, column) => origin(Number(row), Number(column)) ?? text);
      if (line && !/\((azuhost\/|native\))|plugin\.js/.test(line)) lines.push(line);
    }
  } catch {
    // e.stack may be anything. The lines so far are kept.
  }
  if (e.cause !== undefined && causes > 0) {
    lines.push("caused by " + (e.cause instanceof Error ? stackOf(e.cause, causes - 1) : String(e.cause)));
  }
  return [`${e.name}: ${e.message}`, ...lines].join("\n");
}
