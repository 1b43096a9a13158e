import { readProjectFile, reportProblems } from './project-files.ts';

const places = {
  /** The oldest version of Node that can run the project. */
  oldest: {
    'package.json': /"node": ">=([\d.]+)"/,
    /** The first match is the project's own. */
    'package-lock.json': /"node": ">=([\d.]+)"/,
    Makefile: /needs Node ([\d.]+) or newer/,
    'CONTRIBUTING.md': /Node ([\d.]+) or newer/,
  },
  /** The version that `make build` downloads, the image contains and CI runs. */
  chosen: {
    Makefile: /^NODE_VERSION := ([\d.]+)$/m,
    Dockerfile: /^ARG NODE_IMAGE=node:([\d.]+)-/m,
    '.github/workflows/ci.yml': /image: node:([\d.]+)-/,
  },
} as const;

/** The condition in the Makefile: `a > 22 || (a === 22 && b >= 18)`. */
const decision = /a > (\d+) \|\| \(a === (\d+) && b >= (\d+)\)/;

/** The problems: versions of Node that differ between files. `read` returns the text of a file. */
export function checkNode(read: (file: string) => string): string[] {
  const found = Object.values(places).map((files) =>
    Object.entries(files).map(([file, pattern]) => ({ file, version: pattern.exec(read(file))?.[1] })),
  );
  const [, above, major, minor] = decision.exec(read('Makefile')) ?? [];
  const decided = above === major ? `${major}.${minor}` : undefined;
  found[0]?.push({ file: 'Makefile (IS_NODE_NEW)', version: decided });
  return found.flatMap((versions) => {
    const isOne = versions.every(({ version }) => version !== undefined && version === versions[0]?.version);
    if (isOne) return [];
    const list = versions.map(({ file, version }) => `${file} says ${version ?? 'nothing'}`);
    return [`the versions of Node differ: ${list.join(', ')}`];
  });
}

if (import.meta.main) reportProblems(checkNode(readProjectFile));
