import { type ButtonHTMLAttributes, type ReactNode, useId } from 'react';
import { Link } from '../router.tsx';

interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'disabled'> {
  readonly kind?: 'primary' | 'danger' | 'plain' | 'quiet';
  /** Why it cannot be used now: shown at the button, which stays reachable by keyboard. */
  readonly reason?: string | undefined;
  readonly isBusy?: boolean;
}

export function Button({ kind = 'plain', reason, isBusy = false, onClick, children, ...rest }: ButtonProps) {
  const id = useId();
  const isOff = reason !== undefined || isBusy;
  return (
    <span className="button-place" data-reason={reason}>
      <button
        type="button"
        {...rest}
        className={`button button-${kind} ${rest.className ?? ''}`}
        aria-disabled={isOff || undefined}
        aria-busy={isBusy || undefined}
        aria-describedby={reason === undefined ? rest['aria-describedby'] : id}
        onClick={(event) => {
          if (isOff) event.preventDefault();
          else onClick?.(event);
        }}
      >
        {children}
      </button>
      {reason !== undefined && (
        <span id={id} className="hidden-text">
          {reason}
        </span>
      )}
    </span>
  );
}

interface LinkButtonProps {
  readonly to: string;
  readonly kind?: 'primary' | 'plain' | 'quiet';
  readonly reason?: string | undefined;
  readonly children: ReactNode;
}

/** Goes to another page; without the right to use it, a button that says why. */
export function LinkButton({ to, kind = 'plain', reason, children }: LinkButtonProps) {
  if (reason !== undefined)
    return (
      <Button kind={kind} reason={reason}>
        {children}
      </Button>
    );
  return (
    <Link to={to} className={`button button-${kind}`}>
      {children}
    </Link>
  );
}
