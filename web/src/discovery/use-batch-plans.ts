import { useEffect, useRef, useState } from 'react';
import { asApiError, call } from '../api/client.ts';
import type { Plan } from '../api/types.ts';
import type { BatchItem } from './batch.ts';

/** What an agent says about one draft. */
export type BatchPlan =
  | { readonly kind: 'planned'; readonly plan: Plan }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** An agent plans one draft after the other, and others wait for it too. */
const concurrent = 4;

interface Plans {
  /** The drafts that were planned. */
  readonly key: string;
  readonly byIndex: ReadonlyMap<number, BatchPlan>;
  readonly isRunning: boolean;
}

/** Plans of many drafts with the real systems, some at a time. They are forgotten, and stopped, when the drafts change. */
export function useBatchPlans(namespace: string, batch: readonly BatchItem[]) {
  const key = JSON.stringify([namespace, batch]);
  const [plans, setPlans] = useState<Plans>();
  const running = useRef<AbortController>(undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: of other drafts
  useEffect(() => () => running.current?.abort(), [key]);
  const shown = plans?.key === key ? plans : undefined;
  const start = () => {
    const stop = new AbortController();
    running.current = stop;
    const byIndex = new Map<number, BatchPlan>();
    const show = (isRunning: boolean) => {
      if (!stop.signal.aborted) setPlans({ key, byIndex: new Map(byIndex), isRunning });
    };
    show(true);
    const rest = batch.entries();
    const work = async () => {
      for (const [index, item] of rest) {
        const plan = await planOf(namespace, item, stop.signal);
        if (stop.signal.aborted) return;
        byIndex.set(index, plan);
        show(true);
      }
    };
    void Promise.all(Array.from({ length: concurrent }, work)).then(() => show(false));
  };
  return {
    of: (index: number) => shown?.byIndex.get(index),
    done: shown?.byIndex.size ?? 0,
    isRunning: shown?.isRunning ?? false,
    start,
  };
}

async function planOf(namespace: string, { name, spec }: BatchItem, signal: AbortSignal): Promise<BatchPlan> {
  try {
    const path = `/plans/${encodeURIComponent(namespace)}`;
    return {
      kind: 'planned',
      plan: await call<Plan>(path, { method: 'POST', body: { name, spec }, signal }),
    };
  } catch (thrown) {
    const { code, message } = asApiError(thrown);
    return { kind: 'failed', code, message };
  }
}
