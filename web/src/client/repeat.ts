// Names for requests: sending one again under the same name makes nothing a second time.

/** A page from an insecure origin has no randomUUID. */
export const randomId = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`

/** The header that names what a form sends: the same as long as nothing in the form changes. */
export function repeatable(form: HTMLFormElement) {
  let name = randomId()
  for (const change of ['input', 'reset'])
    form.addEventListener(change, () => {
      name = randomId()
    })
  return () => ({ 'Idempotency-Key': name })
}
