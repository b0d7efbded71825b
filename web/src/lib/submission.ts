// A form that makes something: however often the same content is sent, by a second press or after an answer
// that was lost, it is made once.
import { idempotency_key, post } from "./api";

/**
 * What one form sends. The same content is the same bytes under the same key until it succeeded; other
 * content, and what is made after a success, has a key of its own.
 */
export class Submission<T> {
  private readonly tried = new Map<
    string,
    { body: unknown; key: Record<string, string>; answer: Promise<T> | null }
  >();

  /**
   * `content` is what the person chose, `body_of` makes the request of it: once, so that what depends on the
   * time of day stays the same, too.
   */
  send(path: string, content: unknown, body_of: () => unknown = () => content): Promise<T> {
    const name = JSON.stringify([path, content]);
    const one = this.tried.get(name) ?? { body: body_of(), key: idempotency_key(), answer: null };
    this.tried.set(name, one);
    one.answer ??= post<T>(path, one.body, one.key).then(
      (made) => {
        this.tried.clear();
        return made;
      },
      (error: unknown) => {
        one.answer = null;
        throw error;
      },
    );
    return one.answer;
  }
}
