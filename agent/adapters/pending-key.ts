import * as v from 'valibot'
import { ReprefixError } from '../../shared/errors.ts'
import { importSigningKey } from '../../shared/jws.ts'
import { readJsonFile } from './json-file.ts'

const ENROLMENT_REMEDY =
  'remove it, or enrol with --force; the join string that it was begun with may be spent: make a new one'

/**
 * Reads a key that the cloud may know while this host has no proof of it; `null` when there is none. That
 * of an enrolment whose answer was lost, unless told otherwise: the token may be spent on it, so that only
 * this key can end the enrolment.
 * @throws ReprefixError STATE_CORRUPT naming the file when the key is not readable
 */
export async function readPendingKey(path: string, remedy = ENROLMENT_REMEDY): Promise<unknown> {
  const key = await readJsonFile(path, v.looseObject({}), remedy)
  if (key === null) return null
  try {
    await importSigningKey(key)
    return key
  } catch (cause) {
    throw new ReprefixError('STATE_CORRUPT', `${path} is damaged; ${remedy}`, { cause })
  }
}
