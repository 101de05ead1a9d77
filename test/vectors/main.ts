import { writeFile } from 'node:fs/promises'
import { makeVectors } from './make.ts'

// `npm run vectors`: writes the vector files anew.

for (const [file, text] of await makeVectors()) {
  await writeFile(`test/vectors/${file}`, text)
  console.log(`${(text.length / 1024).toFixed(0).padStart(5)} kB  test/vectors/${file}`)
}
