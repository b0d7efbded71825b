// An error envelope to be.
export class Refused extends Error {
  constructor(status, code, message, details = undefined, headers = {}) {
    super(message);
    Object.assign(this, { status, code, details, headers });
  }
}
