// A session that is not there (yet): it is waited for, and others of a similar name are told.

import { type ReactNode, useEffect, useState } from "react";
import { HOME } from "../core/address.js";
import { Missing } from "../feed/missing.js";
import { type Readable, useValue, Value } from "../feed/value.js";
import { Back, Link } from "./link.js";
import "./feed.css";

const NOT: Readable<readonly string[] | null> = new Value(null);
const NEITHER: Readable<boolean> = new Value(false);

/** What is within, or, while there is no such session, why not. */
export function WhereItIs({ session, children }: { session: string; children: ReactNode }) {
  const [missing, setMissing] = useState<Missing | null>(null);
  useEffect(() => {
    const one = new Missing(session);
    setMissing(one);
    return () => one.close();
  }, [session]);
  const similar = useValue(missing?.similar ?? NOT);
  if (useValue(missing?.isHidden ?? NEITHER)) {
    return (
      <section className="empty">
        <h1>
          <Back /> <bdi>{session}</bdi>
        </h1>
        <p>
          You may not read this session, if there is one. Sign in with a token that names it, or
          look at <Link to={HOME}>those that you may read</Link>.
        </p>
      </section>
    );
  }
  if (similar === null) return children;
  return (
    <section className="empty">
      <h1>
        <Back /> <bdi>{session}</bdi>
      </h1>
      <p>
        There is no such session. This page is waiting for its first line, and shows it when it
        comes.
      </p>
      {similar.length > 0 && (
        <p>
          Did you mean{" "}
          {similar.map((name, at) => (
            <span key={name}>
              {at > 0 && (at === similar.length - 1 ? " or " : ", ")}
              <Link to={{ session: name }}>
                <bdi>{name}</bdi>
              </Link>
            </span>
          ))}
          ?
        </p>
      )}
    </section>
  );
}
