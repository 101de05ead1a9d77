import { messageOf } from '../../shared/errors.ts'
import type { Admitted } from './problem.ts'

/** Where the value of a member stands in a text, its quotes included. */
interface Span {
  readonly start: number
  readonly end: number
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/**
 * The text value of a member of a JSON object; `undefined` where the object does not have it. What
 * cannot be edited safely is a fault: no JSON, a member that is there twice (whoever reads it may take
 * either), a value that is no text.
 */
export function readTextMember(text: string, name: string): Admitted<string | undefined> {
  const found = locate(text, name)
  if ('fault' in found) return found
  if (found.value === undefined) return { value: undefined }
  return { value: String(JSON.parse(text.slice(found.value.start, found.value.end))) }
}

/** Replaces the text value of a member that is there; every other character stays as it is. */
export function replaceTextMember(text: string, name: string, value: string): Admitted<string> {
  const found = locate(text, name)
  if ('fault' in found) return found
  if (found.value === undefined) return { fault: `it has no ${name}` }
  const { start, end } = found.value
  return { value: text.slice(0, start) + JSON.stringify(value) + text.slice(end) }
}

function locate(text: string, name: string): Admitted<Span | undefined> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return { fault: 'it is not a JSON object' }
    }
  } catch (cause) {
    return {
      fault: `it is not JSON, which has no comments and no last commas: ${messageOf(cause)}`,
    }
  }
  const spans = membersOf(text).filter(({ key }) => key === name)
  if (spans.length > 1) return { fault: `it has ${name} ${spans.length} times` }
  const [span] = spans
  if (span !== undefined && text[span.start] !== '"') return { fault: `its ${name} is not a text` }
  return { value: span }
}

/** The members of the outermost object of a text that is known to be JSON; of a list or an object, where it begins. */
function membersOf(text: string): readonly (Span & { readonly key: string })[] {
  const members: (Span & { readonly key: string })[] = []
  let depth = 0
  let key: string | undefined
  for (const match of text.matchAll(TOKEN)) {
    const [token] = match
    const isOpening = token === '{' || token === '['
    const isClosing = token === '}' || token === ']'
    if (depth === 1 && !isClosing && token !== ':') {
      if (token === ',') key = undefined
      else if (key === undefined) key = String(JSON.parse(token))
      else members.push({ key, start: match.index, end: match.index + token.length })
    }
    if (isOpening) depth += 1
    if (isClosing) depth -= 1
  }
  return members
}
