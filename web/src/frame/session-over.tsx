import { useSession } from '../api/session.tsx';
import { LoginForm } from '../pages/login.tsx';
import { Modal } from '../parts/dialog.tsx';
import { strings } from '../strings.ts';

/** The session has ended: the page below keeps what was typed into it. */
export function SessionOver() {
  const { user } = useSession();
  return (
    <Modal
      title={strings.login.over}
      description={strings.login.overText}
      isOpen
      isClosable={false}
      onClose={() => {}}
    >
      <LoginForm user={user} isOver />
    </Modal>
  );
}
