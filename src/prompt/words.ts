/**
 * The vocabulary of synthetic prompts: common words, each of which is one token, with the blank before it, in
 * o200k_base, cl100k_base and GPT-2's vocabulary, and by the approximate rule (at most 8 letters). Common words are
 * whole tokens in nearly every other vocabulary too, so counts hardly drift from one model to the next.
 */

function list(words: string): readonly string[] {
  return words.trim().split(/\s+/)
}

/** Words by their place in a sentence. `verb` stands alone ("waited"), `action` takes an object ("followed"). */
export const words = {
  noun: list(`
    river market garden bridge window letter engine teacher farmer sailor doctor village forest mountain
    valley station harbor kitchen library museum school office factory tower castle island desert ocean
    winter summer autumn spring morning evening night shadow candle lantern mirror basket bottle blanket
    carpet ladder hammer needle ribbon button pocket jacket helmet saddle wagon bicycle train vessel ship
    boat canal tunnel road street corner square fountain statue painting portrait camera picture record
    guitar piano violin drum trumpet song melody chorus story novel poem chapter sentence lesson question
    answer puzzle rumor promise journey voyage trip map compass guide captain pilot driver traveler visitor
    stranger neighbor friend uncle brother sister mother father child baby crowd team council company union
    army queen king prince knight merchant baker tailor painter writer poet singer dancer actor student
    scholar engineer builder shepherd horse sheep goat rabbit fox wolf bear tiger lion eagle duck goose
    chicken turtle snake spider bee ant salmon whale dolphin shark crab shell coral stone rock crystal
    diamond silver copper iron bronze marble granite timber maple pine oak apple orange lemon cherry grape
    onion pepper potato tomato bread butter cheese honey sugar coffee tea soup salad dinner supper recipe
    plate spoon fork cup glass bowl kettle oven stove table chair bench desk shelf drawer cabinet door gate
    fence wall roof floor ceiling stairs hall room cellar attic balcony porch yard field pasture barn mill
    pond lake stream creek shore beach cliff cave hill ridge summit glacier volcano cloud storm thunder
    breeze wind rain snow frost fog sunrise sunset moon star planet comet galaxy signal message report paper
    journal magazine page notebook pencil pen ink brush canvas frame thread fabric cotton wool silk leather
    velvet glove boot shoe coat shirt scarf hat crown ring chain coin wallet ticket stamp envelope package
    parcel box crate barrel bucket rope anchor sail mast deck cabin port dock ferry airport runway platform
    track wheel motor battery cable wire switch lamp screen keyboard printer machine robot device tool
    sensor clock watch bell whistle flag banner sign poster symbol pattern figure circle triangle line curve
    shape color number equation theory method result system process project plan budget contract law rule
    court judge witness lawyer mayor minister senator citizen voter leader speaker audience festival parade
    wedding holiday birthday game match race contest prize medal trophy stadium theater cinema gallery
    studio workshop hospital clinic pharmacy church temple cottage palace hotel cafe bakery shop store bank
  `),
  adjective: list(`
    quiet bright old young small large tall short narrow wide deep shallow heavy light warm cold cool dry
    wet soft hard smooth rough sharp clean dusty muddy golden silver green blue red yellow purple brown gray
    pale dark simple complex careful gentle kind proud brave clever curious patient honest humble modest
    loyal friendly cheerful happy lonely tired hungry thirsty sleepy busy idle lazy eager nervous calm
    serious funny strange familiar famous unknown ancient modern recent early late distant nearby local
    foreign public private common rare single double broken wooden plastic metal empty full open closed
    visible sudden gradual steady rapid slow quick sweet bitter sour salty fresh stale ripe raw rich poor
    cheap costly useful helpful hopeful grateful peaceful powerful strong weak thin thick round flat
    straight curved northern southern eastern western central upper lower inner outer final first second
    third next former main minor major total partial complete perfect plain fancy elegant formal casual loud
    silent hollow solid liquid frozen shining fading rising falling growing ordinary unusual remote popular
    natural royal native tropical coastal urban rural medical musical magical
  `),
  verb: list(`
    waited paused rested slept laughed smiled sang danced walked wandered traveled arrived departed returned
    vanished appeared remained stayed moved turned stopped started changed improved grew rose fell floated
    sailed climbed jumped stood sat listened watched spoke agreed worked played studied dreamed wondered
    replied answered hurried marched slipped stumbled gathered settled
  `),
  action: list(`
    found followed carried painted repaired watched admired visited crossed reached left entered opened
    closed cleaned washed covered filled emptied moved lifted pushed pulled dropped caught threw built
    designed planned measured counted studied examined compared gathered arranged divided shared offered
    received accepted refused returned borrowed bought sold traded lost hid noticed forgot missed needed
    wanted loved liked trusted praised thanked helped guarded guided taught trained joined met greeted
    invited welcomed answered told wrote read copied printed signed sent brought kept saved stored replaced
    restored improved changed finished started touched heard tasted smelled passed avoided
  `),
  adverb: list(`
    quietly slowly quickly gently softly loudly calmly proudly happily sadly eagerly politely kindly
    brightly clearly deeply freely gladly together alone again often rarely seldom always never usually
    early late soon today tonight nearby outside inside upstairs abroad forward backward apart indeed
    perhaps finally suddenly 
  `),
  preposition: list(`
    near beyond behind beside beneath below above across along around inside outside through toward under
    over past within against before after between upon from
  `),
  determiner: list(`
    the every another this that their our her his each one some
  `),
  opener: list(`
    Later Often Today Soon Finally Suddenly Perhaps Indeed Usually Again Outside Inside Then
  `),
  lone: list(`
    Nothing Perhaps Indeed Silence Maybe Always Never Again Tonight Soon Finally
  `),
  pronoun: list(`
    They She He We Everyone Nobody Somebody It
  `),
} as const satisfies Record<string, readonly string[]>

export type Slot = keyof typeof words
