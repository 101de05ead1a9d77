import * as v from 'valibot'
import { ReprefixError } from '../../shared/errors.ts'
import { importSigningKey } from '../../shared/jws.ts'
import { readJsonFile } from './json-file.ts'

const REMEDY =
  'remove it, or enrol with --force; the join string that it was begun with may be spent: make a new one'

/**
 * Reads the key of an enrolment whose answer was lost; `null` when none was begun. The token may be
 * spent on it, so that only this key can end the enrolment.
 * @throws ReprefixError STATE_CORRUPT naming the file when the key is not readable
 */
export async function readPendingKey(path: string): Promise<unknown> {
  const key = await readJsonFile(path, v.looseObject({}), REMEDY)
  if (key === null) return null
  try {
    await importSigningKey(key)
    return key
  } catch (cause) {
    throw new ReprefixError('STATE_CORRUPT', `${path} is damaged; ${REMEDY}`, { cause })
  }
}
