import type { BaseIssue } from 'valibot'
import { getDotPath } from 'valibot'

/** A quotation that is shorter than this tells nothing of a secret. */
const LONGEST_ECHO = 3

/**
 * One sentence without its subject for what a schema found wrong: "is missing", "must be string,
 * not 3". No part of the received value appears where `isSecret` is true.
 */
export function describeIssue(issue: BaseIssue<unknown>, isSecret = false): string {
  if (issue.expected === 'never') return 'is not known here: check the spelling, or remove it'
  if (issue.received === 'undefined') return 'is missing'
  const isOwnMessage = !issue.message.startsWith('Invalid ')
  if (isOwnMessage && !(isSecret && echoes(issue.message, issue.input))) return issue.message
  if (issue.expected === null) return 'does not have the right form'
  const expected = `must be ${issue.expected.replace(/^>=/, 'at least ').replace(/^<=/, 'at most ')}`
  return isSecret ? expected : `${expected}, not ${shorten(issue.received)}`
}

/** Where the issue is, as `records.0.values.1`; the empty string for the whole value. */
export function pathOf(issue: BaseIssue<unknown>): string {
  return getDotPath(issue) ?? ''
}

/** All issues as one text: `prefix.current: "x" is not an IPv6 address; seq: is missing`. */
export function describeIssues(issues: readonly BaseIssue<unknown>[]): string {
  const shown = issues.slice(0, 5).map((issue) => {
    const path = pathOf(issue)
    return path === '' ? describeIssue(issue) : `${path}: ${describeIssue(issue)}`
  })
  const rest = issues.length - shown.length
  return shown.join('; ') + (rest > 0 ? `; and ${rest} more` : '')
}

/** Whether a message of a value parser quotes some part of the value. */
function echoes(message: string, input: unknown): boolean {
  if (typeof input !== 'string' || input === '') return false
  const width = Math.min(LONGEST_ECHO + 1, input.length)
  const starts = Array.from({ length: input.length - width + 1 }, (_, start) => start)
  return starts.some((start) => message.includes(input.slice(start, start + width)))
}

function shorten(received: string): string {
  return received.length > 80 ? `${received.slice(0, 80)}…` : received
}
