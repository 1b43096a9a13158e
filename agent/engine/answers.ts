import { decodeStored, showEncoded } from '../../core/offset.ts';
import type { Request } from '../../core/status.ts';
import { changeOffset, finishRequest, refusal, undoesAnUndo } from './requests.ts';
import type { RunState } from './run-state.ts';
import type { SyncClaim } from './sync-claim.ts';

/** Requests that decide a claim end the session; the others are executed under it. */
export async function answerRequests(state: RunState, claim: SyncClaim): Promise<'none' | 'reopen'> {
  const { context, wake } = state;
  wake.requestsSeen();
  const requests = await context.lock.pendingRequests();
  // The requests refer to the current spec: the run of the newer spec answers them.
  if (requests.length > 0 && (await context.isOutdated?.())) return 'none';
  for (const request of requests) {
    switch (request.type) {
      case 'restart':
      case 'keep-offset':
        if (claim.isClaimed) return 'reopen';
        await claim.held();
        return 'none';
      case 'run-now':
        await runNow(state, request);
        break;
      case 'offset':
      case 'undo-offset':
        await answerOffset(state, claim, request);
        break;
      case 'replay':
      case 'verify':
        await finishRequest(state, request, 'Refused', `${request.type} is not offered in this version`);
        break;
    }
  }
  return 'none';
}

async function runNow(state: RunState, request: Request): Promise<void> {
  if (state.context.sync.spec.isSuspended) {
    await finishRequest(state, request, 'Refused', 'the Sync is suspended; set spec.suspend to false');
    return;
  }
  state.isPassDue = true;
  state.isPassRequested = true;
  await finishRequest(state, request, 'Done', 'a pass was started');
}

async function answerOffset(state: RunState, syncClaim: SyncClaim, request: Request): Promise<void> {
  const { context, reporter } = state;
  try {
    const { open, claim } = await syncClaim.held();
    const offset = await changeOffset(
      { context, open, token: claim.token, storedOffset: claim.offset },
      request,
      context.lock.signal,
    );
    syncClaim.offsetChanged({ ...claim, offset });
    reporter.seen({ written: claim.rows }, decodeStored(offset));
    await state.remember({ isCompleted: false });
    const before = (await undoesAnUndo(context, request))
      ? 'the last manual change was an undo, which is undone: '
      : '';
    await finishRequest(state, request, 'Done', `${before}the offset is ${showEncoded(offset)}`);
  } catch (error) {
    context.lock.signal.throwIfAborted();
    context.stop.throwIfAborted();
    await finishRequest(state, request, 'Refused', refusal(error));
  }
}
