// A link to another view: an address that can be opened beside this page, copied and kept. A
// click alone shows the view here, without the page being loaded anew.

import type { AnchorHTMLAttributes, MouseEvent } from "react";
import { leadTo, type View, writeView } from "../core/address.js";
import { after, go, view } from "../feed/place.js";
import { useValue } from "../feed/value.js";

interface Props extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href"> {
  /** What is other there than here. */
  readonly to: Partial<View>;
}

export function Link({ to, onClick, ...others }: Props) {
  useValue(view);
  const clicked = (event: MouseEvent<HTMLAnchorElement>) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    onClick?.(event);
    go(to);
  };
  return <a {...others} href={`./${writeView(after(to))}`} onClick={clicked} />;
}

/** The way back to the list of sessions. */
export function Back() {
  return (
    <Link className="back" to={leadTo(null)} aria-label="Back to the sessions">
      ‹
    </Link>
  );
}
