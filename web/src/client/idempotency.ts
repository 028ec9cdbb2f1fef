// Idempotency keys: a request that is repeated with the same key takes effect once.

/** Pages of insecure origins have no randomUUID. */
export const randomId = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`

/** Returns the idempotency header for a form: it changes when the form does. */
export function idempotencyHeader(form: HTMLFormElement) {
  let key = randomId()
  for (const change of ['input', 'reset'])
    form.addEventListener(change, () => {
      key = randomId()
    })
  return () => ({ 'Idempotency-Key': key })
}
