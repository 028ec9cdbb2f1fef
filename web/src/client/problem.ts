// What the API says when it can not do what was asked: one problem document (RFC 9457) for every failure.
import type { components } from './schema'

type Document = components['schemas']['Problem']

export class Problem extends Error {
  readonly code: string
  /** The fields that break a rule. */
  readonly errors: Document['errors']

  constructor(
    readonly status: number,
    document: Partial<Document> = {},
  ) {
    super(document.detail ?? 'The server did not answer as expected.')
    this.code = document.code ?? ''
    this.errors = document.errors ?? []
  }

  static parse(status: number, text: string): Problem {
    try {
      return new Problem(status, JSON.parse(text) as Partial<Document>)
    } catch {
      // A proxy's answer, not ours.
      return new Problem(status)
    }
  }

  static unreachable(): Problem {
    return new Problem(0, { detail: 'The server can not be reached. Is this device online?' })
  }
}

/** A failure in words for a person. */
export function words(failure: unknown): string {
  if (failure instanceof Problem && failure.errors.length) {
    return failure.errors.map(({ path, msg }) => `${path} ${msg}`).join('; ')
  }
  return failure instanceof Error ? failure.message : String(failure)
}
