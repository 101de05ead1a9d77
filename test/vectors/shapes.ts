import type { PublicJwk } from '../../shared/jws.ts'

// The shapes of the vector files; README.md beside this file explains them.

/** A host's key pair. */
export interface ShownKey {
  readonly seedHex: string
  readonly jwk: PublicJwk
  readonly kid: string
}

/** keys.json */
export interface KeyVectors {
  readonly good: readonly (ShownKey & { readonly name: string })[]
  readonly refused: readonly RefusedKey[]
  readonly refusedPrivate: readonly RefusedKey[]
  readonly signatures: readonly {
    readonly source: string
    readonly seedHex: string
    readonly publicKeyHex: string
    readonly messageHex: string
    readonly signatureHex: string
  }[]
}

interface RefusedKey {
  readonly name: string
  readonly jwk: unknown
  readonly code: string
}

/** reports.json */
export interface ReportVectors {
  readonly key: ShownKey
  readonly vectors: readonly {
    readonly name: string
    /** The header's text, where the JWS is made of one. */
    readonly header?: string
    readonly payload?: string
    readonly jws: string
    readonly digest?: string
    readonly verdict: 'ok' | 'JWS_MALFORMED' | 'JWS_SIGNATURE' | 'REPORT_INVALID'
  }[]
}

/** enrolments.json */
export interface EnrolmentVectors {
  readonly joins: readonly {
    readonly name: string
    readonly join: string
    readonly verdict: 'ok' | 'JOIN_INVALID'
    readonly url?: string
    readonly vkey?: string
    readonly token?: string
    readonly secretHex?: string
  }[]
  readonly macKeys: readonly { readonly secretHex: string; readonly macKeyHex: string }[]
  readonly key: ShownKey
  readonly macKeyHex: string
  readonly enrolments: readonly {
    readonly name: string
    readonly jws: string
    readonly verdict: 'ok' | 'JWS_MALFORMED' | 'KEY_INVALID' | 'JWS_SIGNATURE'
  }[]
}

/** rotations.json */
export interface RotationVectors {
  readonly key: ShownKey
  readonly successor: ShownKey
  readonly vectors: readonly {
    readonly name: string
    readonly jws: string
    readonly verdict: 'ok' | 'JWS_MALFORMED' | 'KEY_INVALID' | 'JWS_SIGNATURE'
  }[]
}

/** entries.json */
export interface EntryVectors {
  readonly vectors: readonly {
    readonly name: string
    readonly entry: string
    readonly leafHashHex: string
    readonly verdict: 'ok' | 'ENTRY_INVALID'
  }[]
}

/** trees.json */
export interface TreeVectors {
  readonly trees: readonly {
    readonly name: string
    readonly leavesHex: readonly string[]
    readonly leafHashesHex: readonly string[]
    /** The root of the first n leaves, from n = 0. */
    readonly rootsHex: readonly string[]
    readonly rows: readonly {
      readonly nodesHex: readonly string[]
      readonly frontierHex: readonly string[]
    }[]
  }[]
  readonly inclusion: readonly InclusionVector[]
  readonly consistency: readonly ConsistencyVector[]
}

export interface InclusionVector {
  readonly name: string
  readonly leafHashHex: string
  readonly index: number
  readonly size: number
  readonly rootHex: string
  readonly proofHex: readonly string[]
  readonly valid: boolean
}

export interface ConsistencyVector {
  readonly name: string
  readonly fromSize: number
  readonly fromRootHex: string
  readonly toSize: number
  readonly toRootHex: string
  readonly proofHex: readonly string[]
  readonly valid: boolean
}

/** notes.json */
export interface NoteVectors {
  readonly keys: readonly {
    readonly name: string
    readonly vkey: string
    readonly verdict: 'ok' | 'KEY_INVALID'
    readonly keyName?: string
    readonly keyIdHex?: string
    readonly publicKeyHex?: string
    readonly seedHex?: string
  }[]
  readonly notes: readonly {
    readonly name: string
    readonly vkeys: readonly string[]
    readonly note: string
    readonly verdict: 'ok' | 'CHECKPOINT_INVALID'
    readonly text?: string
    readonly signers?: readonly string[]
  }[]
  readonly checkpoints: readonly {
    readonly name: string
    readonly vkeys: readonly string[]
    readonly note: string
    readonly verdict: 'ok' | 'CHECKPOINT_INVALID'
    readonly origin?: string
    readonly size?: number
    readonly rootHex?: string
  }[]
}

/** proofs.json */
export interface ProofVectors {
  readonly vkey: string
  readonly vectors: readonly {
    readonly name: string
    readonly entry: string
    readonly proof: string
    /** `unproven`: well formed, and proves nothing about the entry. */
    readonly verdict: 'ok' | 'unproven' | 'PROOF_INVALID' | 'CHECKPOINT_INVALID'
    readonly index?: number
    readonly size?: number
    readonly extraHex?: string
  }[]
}

/** receipts.json */
export interface ReceiptVectors {
  readonly vkey: string
  readonly reports: readonly {
    readonly name: string
    readonly jws: string
    readonly witness: { readonly size: number; readonly rootHex: string }
    readonly receipt: unknown
    readonly verdict: 'ok' | 'RECEIPT_INVALID'
    readonly index?: number
    readonly size?: number
    readonly rootHex?: string
  }[]
  readonly enrolments: readonly {
    readonly name: string
    readonly kid: string
    readonly receipt: unknown
    readonly verdict: 'ok' | 'RECEIPT_INVALID'
    readonly index?: number
  }[]
  readonly rotations: readonly {
    readonly name: string
    readonly host: string
    readonly kid: string
    readonly successor: string
    readonly witness: { readonly size: number; readonly rootHex: string }
    readonly receipt: unknown
    readonly verdict: 'ok' | 'RECEIPT_INVALID'
    readonly index?: number
  }[]
}

/** log.json, beside export.ndjson */
export interface LogVectors {
  readonly vkey: string
  readonly entries: number
  readonly witnessed: number
  readonly vectors: readonly {
    readonly name: string
    readonly vkey?: string
    /** Each is the number of a line of export.ndjson, from 0, or another line's text. */
    readonly lines: readonly (number | string)[]
    readonly findings: readonly { readonly index: number | null; readonly message: string }[]
  }[]
}

/** reads.json */
export interface ReadVectors {
  readonly logKey: string
  readonly vkey: string
  readonly startsAt: string
  /** Texts of the whole log. */
  readonly entries: readonly string[]
  readonly reads: readonly Read[]
}

/** One `GET` below `/v1/log/` and what it gives. */
export interface Read {
  readonly name: string
  readonly path: string
  /** Whether the request bears the operator's token. */
  readonly isOperator: boolean
  readonly status: number
  readonly contentType: string
  readonly cacheControl?: string
  /** The body, where it is a text. */
  readonly body?: string
  /** Of a body that is not a text: its length in bytes and its SHA-256. */
  readonly length?: number
  readonly sha256Hex?: string
  /** The code of a problem document. */
  readonly code?: string
}

/** sequences.json */
export interface SequenceVectors {
  readonly cloud: {
    readonly url: string
    readonly zone: string
    readonly ttl: number
    readonly providers: readonly string[]
    /** Where every request comes from. */
    readonly peer: string
    readonly startsAt: string
    readonly logKey: string
    readonly vkey: string
    readonly nonceSecretUtf8: string
  }
  readonly sequences: readonly { readonly name: string; readonly steps: readonly Step[] }[]
}

export type Step =
  | {
      readonly kind: 'invite'
      readonly at: string
      readonly host: string
      readonly policy: Readonly<Record<string, unknown>>
      readonly token: string
      readonly secretHex: string
    }
  | { readonly kind: 'revoke'; readonly at: string; readonly host: string }
  | {
      readonly kind: 'fault'
      readonly provider: string
      readonly fault: 'transient' | 'forbidden'
      readonly hasWritten: boolean
    }
  | {
      readonly kind: 'store-fault'
      readonly entry: 'report' | 'applied'
      readonly code: StoreFault
      readonly hasStored: boolean
    }
  | {
      readonly kind: 'request'
      readonly what: string
      readonly at: string
      readonly path: string
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
      readonly expect: Expected
    }

/** What a store may say of a commit. */
export type StoreFault = 'STORE_BUSY' | 'STORE_FULL' | 'STORE_FAILED'

export interface Expected {
  readonly status: number
  /** Members of the answer that count; `detail` and `title` do not. */
  readonly answer: Readonly<Record<string, unknown>>
  readonly retryAfter?: string
  /** How many entries the log has afterwards. */
  readonly entries: number
}
