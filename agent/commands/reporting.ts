import { mkdir } from 'node:fs/promises'
import { decodeBase64, encodeBase64 } from '../../shared/base64.ts'
import { parseVkey } from '../../shared/checkpoint.ts'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import { removeInterruptedWrites } from '../../shared/files.ts'
import { parsePrefix } from '../../shared/ipv6.ts'
import { importSigningKey } from '../../shared/jws.ts'
import type { Logger } from '../../shared/logger.ts'
import { verifyReceipt } from '../../shared/receipt.ts'
import { VERSION } from '../../shared/version.ts'
import { ENROL_AGAIN, type Enrolment, readEnrolment } from '../adapters/enrolment-file.ts'
import { createHostKeys, createKeyFiles } from '../adapters/host-key.ts'
import { createHttpPost } from '../adapters/http-client.ts'
import { createLastAttemptFile } from '../adapters/last-attempt.ts'
import { createOutbox } from '../adapters/outbox.ts'
import { readOwnAddresses } from '../adapters/own-addresses.ts'
import { createReceipts } from '../adapters/receipts.ts'
import { postReport, reportsUrl } from '../adapters/report-client.ts'
import { createReporter, type Reporter } from '../adapters/reporter.ts'
import { createReportingStateFile } from '../adapters/reporting-state.ts'
import { rotateKey } from '../adapters/rotation.ts'
import type { AgentConfig } from '../config.ts'

/**
 * Creates the state directory, private to root: it holds the host's key.
 * @throws ReprefixError FILE_WRITE_FAILED
 */
export async function prepareStateDirectory({ paths }: AgentConfig): Promise<void> {
  try {
    await mkdir(paths.directory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new ReprefixError(
      'FILE_WRITE_FAILED',
      `could not create the state directory ${paths.directory}: ${messageOf(cause)};` +
        ' run this as root, or correct stateDirectory in the settings',
      { cause },
    )
  }
}

/**
 * Removes what an agent killed while it wrote has left in the state directory. Only under its lock: a
 * running agent is between writing a file and renaming it at any time.
 */
export async function tidyStateDirectory({ paths }: AgentConfig): Promise<void> {
  const directories = [paths.directory, paths.outbox, paths.receipts]
  await Promise.all(directories.map(removeInterruptedWrites))
}

/** Builds the reporter from the enrolment; `null`, and a warning, on a host that has not enrolled. */
export async function assembleReporter(
  config: AgentConfig,
  log: Logger,
  signal: AbortSignal,
): Promise<Reporter | null> {
  const { paths } = config
  const enrolment = await readEnrolment(paths.enrolment)
  if (enrolment === null) {
    log.warn(
      { event: 'not-enrolled' },
      'this host is not enrolled: it is renumbered, but no DNS name is; reprefix-agent enroll JOIN',
    )
    return null
  }
  requireSameCloud(config, enrolment)
  const { key, verifiers } = await importKeys(enrolment, paths.enrolment)
  const stateFile = createReportingStateFile(paths.reporting)
  const start = await stateFile.read()
  if (start === null) {
    throw new ReprefixError(
      'STATE_CORRUPT',
      `${paths.reporting} is missing although this host is enrolled; ${ENROL_AGAIN}`,
    )
  }
  const parts = {
    host: enrolment.host,
    version: VERSION,
    outbox: createOutbox(paths.outbox),
    receipts: createReceipts(paths.receipts),
    stateFile,
    lastAttempt: createLastAttemptFile(paths.lastAttempt),
    keys: createHostKeys({
      enrolment,
      key,
      files: createKeyFiles(paths),
      url: reportsUrl(enrolment.url),
      rotateKey: (...keys) => {
        // Its source is not checked, so that it may be any.
        const post = createHttpPost(() => [])
        return rotateKey(...keys, { ...enrolment, verifiers, post, now: Date.now })
      },
      log,
    }),
    post: (jws: string, timeoutMs: number, prefix: string) => {
      const sources = () => readOwnAddresses(config.intent.uplink, parsePrefix(prefix))
      const post = createHttpPost(sources)
      return postReport(enrolment.url, jws, { timeoutMs, signal, post })
    },
    verify: async (receipt: unknown, witness: { size: number; root: string }, jws: string) => {
      const seen = { size: witness.size, root: decodeBase64(witness.root) }
      const proven = await verifyReceipt(receipt, { verifiers, witness: seen, jws })
      for (const { name, type, provider, outcome, error } of proven.entry.outcomes) {
        if (outcome !== 'failed') continue
        log.warn(
          { event: 'dns-failed', name, type, provider, error },
          `the cloud could not set ${name} ${type} at ${provider} yet: ${error?.message ?? 'no reason given'}`,
        )
      }
      const { size, root } = proven.checkpoint
      return { witness: { size, root: encodeBase64(root) }, entry: proven.index }
    },
    now: Date.now,
    random: Math.random,
    log,
  }
  return createReporter(parts, start)
}

async function importKeys({ key, vkey }: Enrolment, path: string) {
  try {
    return { key: await importSigningKey(key), verifiers: [await parseVkey(vkey)] }
  } catch (cause) {
    throw new ReprefixError(
      'STATE_CORRUPT',
      `${path} is damaged: ${messageOf(cause)}; ${ENROL_AGAIN}`,
      { cause },
    )
  }
}

function requireSameCloud(config: AgentConfig, enrolment: Enrolment): void {
  if (config.cloud === undefined || config.cloud === enrolment.url) return
  throw new ReprefixError(
    'CONFIG_INVALID',
    `the settings say cloud: ${config.cloud}, but this host is enrolled at ${enrolment.url}:` +
      ' correct the settings, or enrol again with a join string of that cloud',
  )
}
