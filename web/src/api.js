// The REST API. Failures are problem documents and are thrown as errors with their code and fields.
import { renew, session } from './session.js'

export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? 'The server did not answer as expected.')
    Object.assign(this, { status, code: body?.code, errors: body?.errors ?? [] })
  }
}

async function once(method, path, body) {
  const headers = {}
  const token = session()?.token
  if (token) headers.authorization = `Bearer ${token}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  const response = await fetch(`/api${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) })
  const text = await response.text()
  let answer = null
  try {
    answer = text ? JSON.parse(text) : null
  } catch { /* an answer that is not ours */ }
  if (!response.ok) throw new Problem(response.status, answer)
  return answer
}

async function call(method, path, body) {
  try {
    return await once(method, path, body)
  } catch (problem) {
    if (problem.status !== 401 || !session()) throw problem
    await renew()
    return once(method, path, body)
  }
}

export const get = (path) => call('GET', path)
export const post = (path, body) => call('POST', path, body)
export const put = (path, body) => call('PUT', path, body)
export const del = (path) => call('DELETE', path)
