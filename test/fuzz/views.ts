import { decodeBase64url, encodeBase64url } from '../../shared/base64.ts'

/** A text inside another one. */
export interface View {
  /** The inner text; undefined where there is none. */
  open(text: string): string | undefined
  /** The outer text with another inner one. */
  close(text: string, inner: string): string
}

/** The string of a member of a JSON object. */
export function member(...path: readonly string[]): View {
  const [name = '', ...rest] = path
  const own: View = {
    open: (text) => {
      const value = objectIn(text)?.[name]
      return typeof value === 'string' ? value : undefined
    },
    close: (text, inner) => JSON.stringify({ ...objectIn(text), [name]: inner }),
  }
  return rest.length === 0 ? own : within(own, member(...rest))
}

/** The text behind base64url: a part of a compact JWS, or what follows a mark. */
export function encoded(pattern: RegExp): View {
  return {
    open: (text) => {
      const part = pattern.exec(text)?.[1]
      if (part === undefined) return undefined
      try {
        return new TextDecoder().decode(decodeBase64url(part))
      } catch {
        return undefined
      }
    },
    close: (text, inner) => {
      const part = pattern.exec(text)?.[1] ?? ''
      return text.replace(part, () => encodeBase64url(new TextEncoder().encode(inner)))
    },
  }
}

/** Header and payload of a compact JWS. */
export const JWS_HEADER = encoded(/^([\w-]+)\./)
export const JWS_PAYLOAD = encoded(/\.([\w-]+)\./)

/** A view inside what another one opens. */
export function within(outer: View, inner: View): View {
  return {
    open: (text) => {
      const opened = outer.open(text)
      return opened === undefined ? undefined : inner.open(opened)
    },
    close: (text, changed) => {
      const opened = outer.open(text)
      return opened === undefined ? text : outer.close(text, inner.close(opened, changed))
    },
  }
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
