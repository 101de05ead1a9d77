import { isReprefixError } from '../../../shared/errors.ts'

/** `ok`, or the stable code that the call failed with. Anything else that is thrown goes through. */
export async function verdictOf(call: () => unknown): Promise<string> {
  try {
    await call()
    return 'ok'
  } catch (error) {
    if (isReprefixError(error)) return error.code
    throw error
  }
}
