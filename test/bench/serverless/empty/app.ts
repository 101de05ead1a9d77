import { Hono } from 'hono/tiny'

/** The least that a Hono application can be. */
export const app = new Hono()
app.get('/', (c) => c.text('hello'))
