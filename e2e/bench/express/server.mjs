// The endpoints of the benchmark in idiomatic Express and Sequelize: models with associations, pages by
// findAndCountAll, no cache. Listens on a free loopback port and prints it.
//
// Usage: node server.mjs <URL of the stream database> <URL of the vod database>

import express from 'express'
import { DataTypes, Op, Sequelize } from 'sequelize'

const [streamUrl, vodUrl] = process.argv.slice(2)
const { BIGINT, DATE, DOUBLE, INTEGER, TEXT } = DataTypes
const options = { logging: false, pool: { max: 10 }, define: { underscored: true } }

function owners(database) {
  return database.define('owner', { username: TEXT, displayName: TEXT })
}

function categories(database) {
  return database.define('category', { name: TEXT, slug: TEXT })
}

const streams = new Sequelize(streamUrl, options)
const Streamer = owners(streams)
const StreamCategory = categories(streams)
const Stream = streams.define('stream', {
  title: TEXT,
  description: TEXT,
  status: TEXT,
  viewerCount: INTEGER,
  thumbnailUrl: TEXT,
  startTime: DATE,
  endTime: DATE,
  sortTime: DATE,
  userId: BIGINT,
  categoryId: BIGINT,
})
Stream.belongsTo(Streamer, { as: 'user', foreignKey: 'userId' })
Stream.belongsTo(StreamCategory, { as: 'category', foreignKey: 'categoryId' })

const vods = new Sequelize(vodUrl, options)
const Owner = owners(vods)
const VodCategory = categories(vods)
const Vod = vods.define('vod', {
  streamId: BIGINT,
  title: TEXT,
  description: TEXT,
  status: TEXT,
  videoUrl: TEXT,
  urlExpiresAt: DATE,
  thumbnailUrl: TEXT,
  durationSeconds: DOUBLE,
  viewCount: BIGINT,
  searchText: TEXT,
  userId: BIGINT,
  categoryId: BIGINT,
})
Vod.belongsTo(Owner, { as: 'user', foreignKey: 'userId' })
Vod.belongsTo(VodCategory, { as: 'category', foreignKey: 'categoryId' })

const shown = { exclude: ['searchText'] }

function page(query) {
  const limit = Number(query.limit ?? 10)
  const number = Number(query.page ?? 1)
  return { limit, number, offset: (number - 1) * limit }
}

function totals({ limit, number }, count) {
  return { totalItems: count, totalPages: Math.ceil(count / limit), currentPage: number }
}

const app = express()

app.get('/api/streams', async (request, response) => {
  const wanted = page(request.query)
  const key = request.query.sort === 'viewers' ? 'viewerCount' : 'sortTime'
  const { rows, count } = await Stream.findAndCountAll({
    include: ['user', 'category'],
    order: [
      [key, 'DESC'],
      ['id', 'DESC'],
    ],
    limit: wanted.limit,
    offset: wanted.offset,
  })
  response.json({ streams: rows, ...totals(wanted, count) })
})

app.get('/api/vod/search', async (request, response) => {
  const wanted = page(request.query)
  const { rows, count } = await Vod.findAndCountAll({
    attributes: shown,
    include: ['user', 'category'],
    where: { status: 'ready', searchText: { [Op.like]: `%${request.query.searchQuery}%` } },
    order: [
      ['createdAt', 'DESC'],
      ['id', 'DESC'],
    ],
    limit: wanted.limit,
    offset: wanted.offset,
  })
  response.json({ vods: rows, ...totals(wanted, count) })
})

app.get('/api/vod/:id', async (request, response) => {
  const vod = await Vod.findByPk(request.params.id, { attributes: shown, include: ['user', 'category'] })
  if (vod === null) {
    response.status(404).json({ message: 'VOD not found.' })
    return
  }
  response.json({ vod })
})

const listener = app.listen(0, '127.0.0.1', () => console.log(listener.address().port))
