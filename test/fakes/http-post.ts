import type { HttpPost } from '../../agent/adapters/http-client.ts'

/** Posts to a function that answers as a web server does, without a socket. */
export function postTo(answer: (request: Request) => Response | Promise<Response>): HttpPost {
  return async (url, body, signal) => {
    const headers = { 'content-type': 'application/jose' }
    const response = await answer(new Request(url, { method: 'POST', body, headers, signal }))
    const retryAfter = response.headers.get('retry-after')
    return { status: response.status, retryAfter, text: await response.text() }
  }
}
