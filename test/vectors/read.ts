import { readFile } from 'node:fs/promises'

/** The parsed content of a vector file. */
export async function readVectors<T>(file: string): Promise<T> {
  return JSON.parse(await readVectorText(file)) as T
}

/** The text of a vector file. */
export function readVectorText(file: string): Promise<string> {
  return readFile(`test/vectors/${file}`, 'utf8')
}
