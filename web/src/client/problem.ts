// API errors: every one is a problem document (RFC 9457).
import type { components } from './schema'

type Document = components['schemas']['Problem']

export class Problem extends Error {
  readonly code: string
  /** The invalid fields. */
  readonly errors: Document['errors']

  constructor(
    readonly status: number,
    document: Partial<Document> = {},
  ) {
    super(document.detail ?? 'The server sent an unexpected response.')
    this.code = document.code ?? ''
    this.errors = document.errors ?? []
  }

  static parse(status: number, text: string): Problem {
    try {
      return new Problem(status, JSON.parse(text) as Partial<Document>)
    } catch {
      // Sent by a proxy, not by the API.
      return new Problem(status)
    }
  }

  static unreachable(): Problem {
    return new Problem(0, { detail: 'Cannot reach the server. Is this device online?' })
  }
}

/** Describes an error to the user. */
export function errorText(failure: unknown): string {
  if (failure instanceof Problem && failure.errors.length) {
    return failure.errors.map(({ path, msg }) => `${path} ${msg}`).join('; ')
  }
  return failure instanceof Error ? failure.message : String(failure)
}
