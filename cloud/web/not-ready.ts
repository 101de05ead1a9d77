import { problemOf } from '../problem.ts'

/**
 * The answer to every request while the cloud cannot start: its configuration is bad, or its store does
 * not answer. What is wrong is only in the log.
 */
export function notReadyResponse(requestId: string): Response {
  const problem = problemOf(
    'NOT_READY',
    'this cloud is not ready to answer; its log says why, under this request id',
  )
  return Response.json(problem, {
    status: problem.status,
    headers: {
      'content-type': 'application/problem+json',
      'x-request-id': requestId,
      'retry-after': '30',
    },
  })
}
