import * as v from 'valibot'
import { findClient } from '../../cloud/domain/client-address.ts'
import { hostPolicySchema } from '../../cloud/domain/host-policy.ts'
import { type ExportLine, parseExportLine } from '../../cloud/log/export-line.ts'
import { parseTilePath, renderTilePath } from '../../cloud/log/tile.ts'
import { verifyLog } from '../../cloud/log/verify-log.ts'
import { encodeBase64 } from '../../shared/base64.ts'
import { importNoteSigner, openCheckpoint, parseVkey } from '../../shared/checkpoint.ts'
import { parseEntry, renderEntry } from '../../shared/entry.ts'
import { parsePrefix } from '../../shared/ipv6.ts'
import { parseJoin, renderJoin } from '../../shared/join.ts'
import { parsePublicJwk } from '../../shared/jwk.ts'
import { parseEnrolmentJws, parseReportJws, verifyReportJws } from '../../shared/jws.ts'
import {
  verifyEnrolmentReceipt,
  verifyLogged,
  verifyReceipt,
  verifyRotationReceipt,
} from '../../shared/receipt.ts'
import { parseReport } from '../../shared/report.ts'
import { parseRotationJws } from '../../shared/rotation.ts'
import { openNote } from '../../shared/signed-note.ts'
import { parseTlogProof, renderTlogProof } from '../../shared/tlog-proof.ts'
import { type Decoder, jsonDecoder, textDecoder } from './decoder.ts'
import { isSame } from './fuzz.ts'
import type { makeSamples } from './samples.ts'
import { encoded, JWS_HEADER, JWS_PAYLOAD, member, within } from './views.ts'

type Samples = Awaited<ReturnType<typeof makeSamples>>

/** What a host or somebody who plays one sends to the cloud. */
function requestDecoders(samples: Samples): readonly Decoder[] {
  const inner = encoded(/\.([\w-]+)\.[\w-]+$/)
  return [
    textDecoder({
      name: 'report JWS',
      samples: samples.reportJws,
      decode: parseReportJws,
      render: ({ text }) => text,
      isCanonical: true,
      views: [JWS_HEADER, JWS_PAYLOAD],
      codes: ['JWS_MALFORMED'],
    }),
    textDecoder({
      name: 'report JWS and its signature',
      samples: samples.reportJws,
      decode: (text) => verifyReportJws(parseReportJws(text), samples.key),
      views: [JWS_HEADER, JWS_PAYLOAD],
      codes: ['JWS_MALFORMED', 'JWS_SIGNATURE', 'REPORT_INVALID'],
      weight: 0.3,
    }),
    textDecoder({
      name: 'enrolment JWS',
      samples: [samples.enrolment],
      decode: parseEnrolmentJws,
      render: ({ text }) => text,
      isCanonical: true,
      views: [JWS_HEADER, JWS_PAYLOAD, within(inner, JWS_HEADER), within(inner, JWS_PAYLOAD)],
      codes: ['JWS_MALFORMED', 'KEY_INVALID'],
    }),
    textDecoder({
      name: 'rotation JWS',
      samples: [samples.rotation],
      decode: parseRotationJws,
      render: ({ text }) => text,
      isCanonical: true,
      views: [JWS_HEADER, JWS_PAYLOAD, within(inner, JWS_HEADER), within(inner, JWS_PAYLOAD)],
      codes: ['JWS_MALFORMED', 'KEY_INVALID'],
    }),
    textDecoder({
      name: 'client address',
      samples: ['192.0.2.1, [2001:db8::1]:443', '::ffff:192.0.2.1', '203.0.113.9:80,fe80::1%eth0'],
      decode: (text) => findClient('::1', text, [parsePrefix('::/0')]),
      codes: [],
    }),
    jsonDecoder({
      name: 'public JWK',
      samples: [samples.jwk],
      decode: parsePublicJwk,
      render: (jwk) => jwk,
      codes: ['KEY_INVALID'],
    }),
    jsonDecoder({
      name: 'report',
      samples: [samples.report, { ...samples.report, records: [], steps: [] }],
      decode: parseReport,
      render: (report) => report,
      codes: ['REPORT_INVALID'],
      weight: 2,
    }),
    jsonDecoder({
      name: 'policy',
      samples: [
        { names: ['www.example.org', '*.home.example.org'] },
        {
          names: ['a.example.org'],
          types: ['A', 'AAAA'],
          prefixes: ['2001:db8::/32'],
          shortestPrefix: 56,
          maxDeletions: 0,
        },
      ],
      decode: (value) => {
        const result = v.safeParse(hostPolicySchema, value)
        return result.success ? result.output : null
      },
      render: (policy) => policy,
      codes: [],
    }),
  ]
}

/** What comes from a cloud that may lie, and what is in a log that somebody may have altered. */
function logDecoders(samples: Samples): readonly Decoder[] {
  const { verifiers, witness, key } = samples
  const [jws = ''] = samples.reportJws
  return [
    textDecoder({
      name: 'entry',
      samples: samples.entries,
      decode: (text) => {
        const entry = parseEntry(text)
        if (isSame(JSON.parse(text), entry)) return entry
        throw new Error('some of the text is not in the entry')
      },
      render: renderEntry,
      views: [member('jws')],
      codes: ['ENTRY_INVALID'],
      weight: 2,
    }),
    textDecoder({
      name: 'export line',
      samples: samples.exportLines,
      decode: (text) => {
        const line = parseExportLine(text)
        if (renderExportLine(line) === text.replace(/\n$/, '')) return line
        throw new Error('it takes more than one spelling')
      },
      render: renderExportLine,
      views: [member('entry'), member('checkpoint')],
      codes: ['REQUEST_INVALID'],
    }),
    textDecoder({
      name: 'export',
      samples: [samples.exportLines.join('\n')],
      decode: async (text) => (await verifyLog(text.split('\n'), { vkeys: [samples.vkey] })).ok,
      codes: [],
      weight: 0.05,
    }),
    textDecoder({
      name: 'tile path',
      samples: ['0/000', '1/x001/x234/067', 'entries/005.p/17', '63/999.p/255'],
      decode: (text) => {
        const tile = parseTilePath(text)
        if (tile === undefined || renderTilePath(tile) === text) return tile
        throw new Error('it takes more than one spelling')
      },
      codes: [],
    }),
    textDecoder({
      name: 'tlog-proof',
      samples: samples.proofs,
      decode: parseTlogProof,
      render: renderTlogProof,
      isCanonical: true,
      codes: ['PROOF_INVALID'],
    }),
    textDecoder({
      name: 'signed note',
      samples: [samples.checkpoint],
      decode: async (text) => (await openNote(text, verifiers)).text,
      codes: ['CHECKPOINT_INVALID'],
      weight: 0.5,
    }),
    textDecoder({
      name: 'checkpoint',
      samples: [samples.checkpoint],
      decode: (text) => openCheckpoint(text, verifiers),
      codes: ['CHECKPOINT_INVALID'],
      weight: 0.5,
    }),
    textDecoder({
      name: 'verifier key',
      samples: [samples.vkey],
      decode: parseVkey,
      render: ({ vkey }) => vkey,
      isCanonical: true,
      codes: ['KEY_INVALID'],
      weight: 0.5,
    }),
    textDecoder({
      name: 'log key',
      samples: [samples.noteKey],
      decode: async (text) => (await importNoteSigner(text)).vkey,
      codes: ['KEY_INVALID'],
      weight: 0.5,
    }),
    textDecoder({
      name: 'join string',
      samples: [samples.join],
      decode: parseJoin,
      render: renderJoin,
      views: [encoded(/^rpj1-([\w-]+)$/)],
      codes: ['JOIN_INVALID'],
    }),
    jsonDecoder({
      name: 'receipt',
      samples: [samples.receipt],
      decode: (value) => verifyReceipt(value, { verifiers, witness, jws }),
      codes: ['RECEIPT_INVALID'],
      weight: 0.5,
    }),
    textDecoder({
      name: 'receipt of a kept file',
      samples: [JSON.stringify(samples.receipt)],
      decode: async (text) => verifyLogged(jsonIn(text), verifiers),
      views: [member('entry'), member('proof')],
      codes: ['RECEIPT_INVALID'],
      weight: 0.5,
    }),
    jsonDecoder({
      name: 'rotation receipt',
      samples: [samples.rotationReceipt],
      decode: (value) => {
        const keys = { kid: key.kid, successor: samples.successor.kid }
        return verifyRotationReceipt(value, { verifiers, witness, host: 'home', ...keys })
      },
      codes: ['RECEIPT_INVALID'],
      weight: 0.5,
    }),
    jsonDecoder({
      name: 'enrolment receipt',
      samples: [samples.enrolmentReceipt],
      decode: (value) => verifyEnrolmentReceipt(value, { verifiers, kid: key.kid }),
      codes: ['RECEIPT_INVALID'],
      weight: 0.5,
    }),
  ]
}

/** The decoders of what travels between agent and cloud, and of the log. */
export function wireDecoders(samples: Samples): readonly Decoder[] {
  return [...requestDecoders(samples), ...logDecoders(samples)]
}

function renderExportLine(line: ExportLine): string {
  if (line.kind === 'checkpoint') return JSON.stringify({ checkpoint: line.checkpoint })
  const { index, leaf, tree, entry } = line
  const hash = (bytes: Uint8Array | undefined) => (bytes ? encodeBase64(bytes) : undefined)
  return JSON.stringify({ index, leaf: hash(leaf), tree: hash(tree), entry })
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
