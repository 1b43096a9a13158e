import { Dialog } from 'radix-ui';
import type { ReactNode } from 'react';
import { strings } from '../strings.ts';

interface ModalProps {
  readonly title: string;
  readonly description?: ReactNode;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  /** Without it there is no way out but its own buttons. */
  readonly isClosable?: boolean;
  readonly size?: 'small' | 'large';
  readonly children: ReactNode;
}

export function Modal(props: ModalProps) {
  const { title, description, isOpen, onClose, isClosable = true, size = 'small', children } = props;
  return (
    <Dialog.Root open={isOpen} onOpenChange={(open) => !open && isClosable && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content
          className={`dialog dialog-${size}`}
          {...(description === undefined && { 'aria-describedby': undefined })}
        >
          <header className="dialog-head">
            <Dialog.Title className="dialog-title">{title}</Dialog.Title>
            {isClosable && (
              <Dialog.Close className="button button-quiet" aria-label={strings.close}>
                ×
              </Dialog.Close>
            )}
          </header>
          {description !== undefined && (
            <Dialog.Description asChild>
              <div className="soft">{description}</div>
            </Dialog.Description>
          )}
          {children}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
