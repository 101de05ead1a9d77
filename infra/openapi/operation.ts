import type { JsonSchema } from '@valibot/to-json-schema'
import type { ErrorCode } from '../../shared/errors.ts'
import type { HeaderName } from './headers.ts'
import type { DescribedName } from './named-schemas.ts'
import type { TextName } from './value-schemas.ts'

/** One request of the interface, and all of its answers. */
export interface Operation {
  readonly method: 'get' | 'post' | 'patch'
  /** As the application registers it. */
  readonly route: string
  /** Where OpenAPI has no word for the route: a parameter there never holds a slash. */
  readonly path?: string
  readonly id: string
  readonly tag: 'agent' | 'log' | 'operator' | 'service'
  readonly summary: string
  readonly description?: string
  /** Asks for the operator's token. */
  readonly isOperators?: boolean
  readonly parameters?: readonly Parameter[]
  readonly body?: Body
  readonly answers: readonly Answer[]
  /** Codes of the problems it answers with; those that any such request can meet need not be listed. */
  readonly codes?: readonly ErrorCode[]
}

/** A parameter in the path or the query. */
export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly description: string
  readonly schema: JsonSchema
  readonly isRequired?: boolean
}

/** What a request holds. */
export interface Body {
  readonly contentType: 'application/jose' | 'application/json'
  readonly schema: DescribedName | TextName
}

/** An answer that is no problem. Without a schema it is bytes. */
export interface Answer {
  readonly status: number
  readonly description: string
  readonly contentType: string
  readonly schema?: DescribedName | TextName
  readonly headers?: readonly HeaderName[]
}
