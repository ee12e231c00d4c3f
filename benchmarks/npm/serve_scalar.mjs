// Serve a document with @scalar/mock-server on loopback: node serve_scalar.mjs DOCUMENT PORT
// Prints one line when it is ready, as the other servers of the comparison do.
import { readFileSync } from 'node:fs'
import { serve } from '@hono/node-server'
import { createMockServer } from '@scalar/mock-server'

const [path, port] = process.argv.slice(2)
const app = await createMockServer({ document: JSON.parse(readFileSync(path, 'utf8')) })
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(port) }, (address) =>
  console.log(`mock ready at http://127.0.0.1:${address.port}`),
)
