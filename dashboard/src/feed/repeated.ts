// A question that is asked again and again while somebody looks, one at a time.

const EVERY_MS = 2_000;

export class Repeated {
  readonly #question: () => Promise<void>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  // That it is to be asked once more as soon as it is answered.
  #isDue = false;
  #isClosed = false;

  constructor(question: () => Promise<void>) {
    this.#question = question;
    document.addEventListener("visibilitychange", this.ask);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Ask now, or as soon as what is asked is answered. */
  readonly ask = async (): Promise<void> => {
    this.#isDue = this.#isAsking;
    if (this.#isAsking || this.#isClosed || document.hidden) return;
    clearTimeout(this.#timer);
    this.#isAsking = true;
    try {
      await this.#question();
    } catch {
      // The feed's state says what is wrong; what was known stays.
    } finally {
      this.#isAsking = false;
      if (!this.#isClosed) this.#timer = setTimeout(this.ask, this.#isDue ? 0 : EVERY_MS);
    }
  };

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.ask);
  }
}
