import { strings } from '../strings.ts';

export type Tone = 'ok' | 'busy' | 'waiting' | 'warning' | 'failed' | 'off';

/** How each state looks: a shape as well as a colour, and always with its word. */
const shapes = {
  failed: { tone: 'failed', path: 'M5 1h4l4 4v4l-4 4H5L1 9V5zM5 5l4 4M9 5L5 9' },
  lagging: { tone: 'warning', path: 'M7 1.5L13 12.5H1zM7 5.5v3.5M7 10.5v.5' },
  running: { tone: 'busy', path: 'M7 1a6 6 0 100 12A6 6 0 107 1M4 7h6M8 5l2 2-2 2' },
  waiting: { tone: 'ok', path: 'M7 1a6 6 0 100 12A6 6 0 107 1M7 4v3l2 1.5' },
  pending: { tone: 'waiting', path: 'M7 1a6 6 0 100 12A6 6 0 107 1M4 7h.01M7 7h.01M10 7h.01' },
  suspended: { tone: 'off', path: 'M4.5 2v10M9.5 2v10' },
  completed: { tone: 'ok', path: 'M2 7.5l3.5 3.5L12 3.5' },
  deleting: { tone: 'off', path: 'M3 3l8 8M11 3l-8 8' },
  ready: { tone: 'ok', path: 'M2 7.5l3.5 3.5L12 3.5' },
  unknown: {
    tone: 'waiting',
    path: 'M7 1a6 6 0 100 12A6 6 0 107 1M5.5 5.5a1.5 1.5 0 113 0c0 1-1.5 1.2-1.5 2M7 10h.01',
  },
} as const satisfies Readonly<Record<string, { readonly tone: Tone; readonly path: string }>>;

export type Shape = keyof typeof shapes;

export function Glyph({ shape }: { readonly shape: Shape }) {
  const { tone, path } = shapes[shape];
  return (
    <svg className={`glyph tone-${tone}`} viewBox="0 0 14 14" width="14" height="14" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

interface StateProps {
  readonly state: string;
  readonly attention?: string;
}

export function shapeOf({ state, attention }: StateProps): Shape {
  if (attention === 'lagging' && state !== 'Failed') return 'lagging';
  const shape = state.toLowerCase();
  return shape in shapes ? (shape as Shape) : 'unknown';
}

export function StateMark({ state, attention = 'none' }: StateProps) {
  const shape = shapeOf({ state, attention });
  return (
    <span className={`state tone-${shapes[shape].tone}`}>
      <Glyph shape={shape} />
      <span>{stateWord(state)}</span>
      {shape === 'lagging' && <span className="hidden-text">, {strings.states.lagging}</span>}
    </span>
  );
}

export function stateWord(state: string): string {
  return strings.states[state.toLowerCase() as keyof typeof strings.states] ?? state;
}

export function ReadyMark({ ready }: { readonly ready: 'True' | 'False' | 'Unknown' }) {
  const shape = { True: 'ready', False: 'failed', Unknown: 'unknown' } as const;
  return (
    <span className={`state tone-${shapes[shape[ready]].tone}`}>
      <Glyph shape={shape[ready]} />
      <span>{strings.ready[ready]}</span>
    </span>
  );
}
