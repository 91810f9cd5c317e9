/** A dialog over the page: it takes the focus, gives it back, and closes by Escape where it may. */

import type { ReactNode } from "react";
import { Dialog, ModalOverlay, Modal as Overlay } from "react-aria-components";

interface ModalProps {
  readonly isOpen: boolean;
  /** Null: it cannot be put away. */
  readonly onClose: (() => void) | null;
  readonly testId: string;
  readonly isWide?: boolean;
  readonly children: ReactNode;
}

/** The dialog, with whatever it holds. */
export function Modal({ isOpen, onClose, testId, isWide = false, children }: ModalProps) {
  return (
    <ModalOverlay
      className="overlay"
      isOpen={isOpen}
      isDismissable={onClose !== null}
      isKeyboardDismissDisabled={onClose === null}
      onOpenChange={(open) => {
        if (!open) {
          onClose?.();
        }
      }}
    >
      <Overlay className={`modal${isWide ? " wide" : ""}`}>
        <Dialog className="dialog" data-testid={testId}>
          {children}
        </Dialog>
      </Overlay>
    </ModalOverlay>
  );
}
