import type { SystemAccess } from '../../../core/connector.ts';
import { OwnSession as AnyOwnSession } from '../../sql/connection/own-session.ts';
import { type Role, Session } from '../session.ts';

export class OwnSession extends AnyOwnSession<Session> {
  constructor(access: SystemAccess, role: Role, session?: Session) {
    super(access.dataSource, (signal) => Session.open(access, role, signal), session);
  }
}
