import { useState } from 'react';
import { live, useLive, useLiveState } from '../api/live.ts';
import type { Live } from '../api/types.ts';
import { Button } from '../parts/button.tsx';
import { Glyph } from '../parts/state.tsx';
import { Time, useNow } from '../parts/values.tsx';
import { strings } from '../strings.ts';

/** Says whether what is on screen is kept up to date, and stops and resumes that. */
export function LiveMark() {
  const state = useLiveState();
  const isPaused = state.kind === 'paused';
  return (
    <button
      type="button"
      className={`live live-${state.kind}`}
      aria-pressed={isPaused}
      title={isPaused ? strings.live.resume : strings.live.pause}
      onClick={() => live.pause(!isPaused)}
    >
      <span className="live-dot" aria-hidden="true" />
      {strings.live[state.kind]}
    </button>
  );
}

/** Rows stay on screen while the server cannot be reached; this says how old they are. */
export function LiveBanner() {
  const state = useLiveState();
  const outage = useOutage();
  const nowMs = useNow();
  if (state.kind === 'stale') {
    const seconds = Math.max(1, Math.round((Math.max(nowMs, state.since) - state.since) / 1_000));
    return (
      <div className="banner" role="status">
        <Glyph shape="lagging" />
        <span>{strings.live.staleSince(seconds)}</span>
        <Button kind="quiet" onClick={() => live.retry()}>
          {strings.live.now}
        </Button>
      </div>
    );
  }
  if (!outage) return null;
  return (
    <div className="banner" role="status">
      <Glyph shape="lagging" />
      <span>
        {strings.live.outage} <code>{outage.code}</code> {outage.message} (<Time at={outage.since} />)
      </span>
    </div>
  );
}

function useOutage(): NonNullable<Live['outage']> | undefined {
  const [outage, setOutage] = useState<Live['outage']>();
  useLive(['outage'], (data) => setOutage(data.outage));
  return outage ?? undefined;
}
