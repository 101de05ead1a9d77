import type { Context } from 'hono'
import { problemOf } from '../problem.ts'
import type { Refusal } from '../report-answer.ts'

/** A refusal as a problem document. */
export function problemResponse(c: Context, { code, detail, facts }: Refusal): Response {
  const problem = problemOf(code, detail, facts)
  return c.json(problem, problem.status, { 'content-type': 'application/problem+json' })
}

/** The answer where there is nothing. */
export function nothingHere(c: Context): Response {
  const detail = 'there is no such resource'
  return problemResponse(c, { kind: 'refused', code: 'NOT_FOUND', detail })
}
