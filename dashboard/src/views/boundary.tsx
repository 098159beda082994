// What is shown in the place of a part of the page whose program has failed.

import { Component, type ReactNode } from "react";
import { type Failure, failed, failure } from "../feed/failures.js";
import { useValue } from "../feed/value.js";

export class Boundary extends Component<{ children: ReactNode }, { failure: Failure | null }> {
  override state: { failure: Failure | null } = { failure: null };

  static getDerivedStateFromError(error: unknown): { failure: Failure } {
    return { failure: failed(error) };
  }

  override render(): ReactNode {
    return this.state.failure === null ? this.props.children : <Said {...this.state.failure} />;
  }
}

/** Errors beside the drawing: of a timer, of an answer. */
export function Failures() {
  const now = useValue(failure);
  return now && <Said {...now} close={() => failure.set(null)} />;
}

function Said({ message, details, close }: Failure & { close?: () => void }) {
  return (
    <div className="note" role="status">
      This page has a defect, and a part of it failed: <bdi>{message}</bdi>{" "}
      <button type="button" onClick={() => location.reload()}>
        reload
      </button>{" "}
      {close && (
        <button type="button" onClick={close}>
          close
        </button>
      )}
      <p>Nothing is lost: a reload shows the same view.</p>
      {details !== "" && (
        <details>
          <summary>details</summary>
          <pre>{details}</pre>
        </details>
      )}
    </div>
  );
}
