// Builds dist: node build.js [FOLDER]. The same sources and package-lock.json give the same files.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, 'dist');

rmSync(out, { recursive: true, force: true });
const common = { absWorkingDir: here, entryPoints: ['src/index.ts'], bundle: true, target: 'es2022', logLevel: 'warning' };
await build({ ...common, format: 'esm', outfile: join(out, 'azuhost.js') });
await build({ ...common, entryPoints: ['src/global.ts'], format: 'iife', minify: true, outfile: join(out, 'azuhost.min.js') });
execFileSync(process.execPath, [join(here, 'node_modules/typescript/bin/tsc'), '-p', here, '--outDir', out], { stdio: 'inherit' });
rmSync(join(out, 'global.d.ts'));
