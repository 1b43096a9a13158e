import { namingSync } from '../../core/commands.ts';
import type { CommitRow } from '../../core/connector.ts';
import { reach } from '../../core/crash-points.ts';
import { describeEncoded } from '../../core/offset.ts';
import type { Request } from '../../core/status.ts';
import type { OpenSync } from './open-sync.ts';
import { readStored } from './pass.ts';
import { changeOffset, finished, refusal, undoesAnUndo } from './requests.ts';
import { type RunState, remember } from './run-state.ts';

/** What requests need of the session that answers them. */
export interface Claimant {
  readonly isClaimed: boolean;
  opened(): Promise<{ readonly open: OpenSync; readonly claim: CommitRow }>;
  offsetChanged(claim: CommitRow): void;
}

/** Those that decide a claim end the session; the others are carried out under it. */
export async function answerRequests(state: RunState, claimant: Claimant): Promise<'none' | 'reopen'> {
  const { context, wake } = state;
  wake.requestsSeen();
  const requests = await context.lock.pendingRequests();
  // They speak of the spec as it stands: the run of the newer one answers.
  if (requests.length > 0 && (await context.isOutdated?.())) return 'none';
  for (const request of requests) {
    switch (request.type) {
      case 'restart':
      case 'keep-offset':
        if (claimant.isClaimed) return 'reopen';
        await claimant.opened();
        return 'none';
      case 'run-now':
        await runNow(state, request);
        break;
      case 'offset':
      case 'undo-offset':
        await answerOffset(state, claimant, request);
        break;
      case 'replay':
      case 'verify':
        await finishRequest(state, request, 'Refused', `${request.type} is not available in this version`);
        break;
    }
  }
  return 'none';
}

export async function finishRequest(
  { context, reporter }: RunState,
  request: Request,
  answer: 'Done' | 'Refused',
  message: string,
): Promise<void> {
  const status = finished(request, answer, namingSync(message, context.sync), context.clock.now());
  await reach('request:before-finish');
  await context.lock.finishRequest(status);
  reporter.request(status);
  reporter.report();
}

async function runNow(state: RunState, request: Request): Promise<void> {
  if (state.context.sync.spec.isSuspended) {
    await finishRequest(state, request, 'Refused', 'the Sync is suspended; set spec.suspend to false');
    return;
  }
  state.isPassDue = true;
  state.isAskedFor = true;
  await finishRequest(state, request, 'Done', 'a pass was started');
}

async function answerOffset(state: RunState, claimant: Claimant, request: Request): Promise<void> {
  const { context, reporter } = state;
  try {
    const { open, claim } = await claimant.opened();
    const offset = await changeOffset(
      { context, open, token: claim.token, storedOffset: claim.offset },
      request,
      context.lock.signal,
    );
    claimant.offsetChanged({ ...claim, offset });
    reporter.seen({ written: claim.rows }, readStored(offset));
    await remember(state, { isCompleted: false });
    const before = (await undoesAnUndo(context, request))
      ? 'the last change by hand was an undo, which is taken back: '
      : '';
    await finishRequest(state, request, 'Done', `${before}the offset is ${describeEncoded(offset)}`);
  } catch (error) {
    context.lock.signal.throwIfAborted();
    context.stop.throwIfAborted();
    await finishRequest(state, request, 'Refused', refusal(error));
  }
}
