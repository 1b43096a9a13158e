import { dirname, join, normalize } from 'node:path';
import { importsOf } from './check-imports.ts';
import { projectFiles, readProjectFile, reportProblems } from './project-files.ts';

/**
 * Files that import each other, directly or through others. Type imports count: they cost nothing at run time, but files in a circle can
 * only be read and moved together.
 */
export function checkCircles(sources: ReadonlyMap<string, string>): string[] {
  return circlesOf(graphOf(sources)).map((circle) => `these files import each other: ${circle.join(', ')}`);
}

type Graph = ReadonlyMap<string, readonly string[]>;

function graphOf(sources: ReadonlyMap<string, string>): Graph {
  const targets = (file: string, text: string) =>
    importsOf(text)
      .filter((name) => name.startsWith('.'))
      .map((name) => normalize(join(dirname(file), name)))
      .filter((target) => sources.has(target));
  return new Map([...sources].map(([file, text]) => [file, targets(file, text)]));
}

/** The strongly connected components of more than one file, sorted (Tarjan, 1972). */
function circlesOf(graph: Graph): string[][] {
  const circles: string[][] = [];
  const order = new Map<string, number>();
  const stack: string[] = [];
  /** The earliest file on the stack that is reachable from this one. */
  const visit = (file: string): number => {
    const own = order.size;
    order.set(file, own);
    stack.push(file);
    let earliest = own;
    for (const target of graph.get(file) ?? []) {
      const known = order.get(target);
      if (known === undefined) earliest = Math.min(earliest, visit(target));
      else if (stack.includes(target)) earliest = Math.min(earliest, known);
    }
    if (earliest === own) {
      const circle = stack.splice(stack.indexOf(file));
      if (circle.length > 1 || graph.get(file)?.includes(file)) circles.push(circle.sort());
    }
    return earliest;
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return circles;
}

if (import.meta.main) {
  const sources = projectFiles().filter((file) => file.endsWith('.ts'));
  const texts = new Map(sources.map((file) => [file, readProjectFile(file)]));
  reportProblems(checkCircles(texts));
}
