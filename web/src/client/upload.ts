// Uploads with progress, which fetch does not report.
import { asForm, authorized, Problem, type Schemas } from './api'

interface Upload {
  fields: Schemas['VodUploadForm']
  headers: Record<string, string>
  /** Called with the fraction sent, from 0 to 1. */
  progress: (part: number) => void
  /** Cancels the upload, which then throws the signal's reason. */
  signal: AbortSignal
}

interface Answer {
  status: number
  text: string
}

const PATH = '/api/vod/upload-local'
const CREATED = 201

export async function uploadVideo(upload: Upload): Promise<Schemas['Vod']> {
  const { status, text } = await authorized((token) => send(upload, token))
  if (status !== CREATED) throw Problem.parse(status, text)
  return (JSON.parse(text) as Schemas['VodCreated']).vod
}

function send({ fields, headers, progress, signal }: Upload, token?: string) {
  return new Promise<Answer>((resolve, reject) => {
    signal.throwIfAborted()
    const request = new XMLHttpRequest()
    const stop = () => request.abort()
    signal.addEventListener('abort', stop)
    request.upload.onprogress = ({ loaded, total }) => progress(total ? loaded / total : 0)
    request.onload = () => resolve({ status: request.status, text: request.responseText })
    request.onerror = () => reject(Problem.unreachable())
    request.onabort = () => reject(signal.reason)
    request.onloadend = () => signal.removeEventListener('abort', stop)
    request.open('POST', PATH)
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    if (token) request.setRequestHeader('authorization', `Bearer ${token}`)
    request.send(asForm(fields))
  })
}
