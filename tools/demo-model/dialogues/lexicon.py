"""Words and names to make values of."""

NOUNS = """
apple river stone cloud light paper green silver music garden window market summer winter forest ocean bridge coffee robot
planet engine circle square tiger eagle falcon pepper lemon cherry orange candle mirror castle dragon rocket signal vector
matrix number letter system server client kernel binary memory socket thread packet buffer branch commit report invoice
budget meeting project ticket flight hotel train doctor teacher table chair lamp door wall floor roof kitchen bottle glass
spoon plate bread butter cheese honey sugar salt rice soup salad pizza pasta banana grape peach melon carrot potato tomato
onion garlic basil mint tea juice water milk horse sheep goat rabbit mouse whale shark salmon turtle lizard spider beetle
butterfly pigeon sparrow owl raven wolf fox bear deer camel monkey panda penguin island mountain valley desert beach harbor
lake canyon volcano glacier meadow village city street avenue tunnel station airport museum library theater school office
factory warehouse hospital church temple palace tower fence gate ladder hammer wrench screw nail rope wire cable battery
motor wheel tire brake pedal saddle helmet jacket shirt scarf glove boot sandal ring necklace watch pocket wallet purse
basket bucket barrel crate parcel envelope stamp pencil marker brush canvas statue violin guitar piano drum flute trumpet
opera novel poem story chapter page sentence lecture lesson exam degree theory formula proof graph chart diagram model
sample survey study review article journal magazine newspaper poster banner ticket voucher coupon receipt contract policy
license passport visa permit account password profile avatar message comment forum thread channel stream podcast video
camera lens filter tripod screen keyboard printer scanner router modem sensor switch panel module plugin script function
variable constant array string object class method test bug patch release version backup archive folder file record column
row cell index query schema cache queue stack heap tree node edge root leaf token cookie session header footer sidebar menu
button slider dialog tooltip icon logo theme font color pattern texture shadow border margin layout
""".split()

ADJECTIVES = """
red blue green yellow purple black white brown golden silver small large tiny huge quick slow quiet loud bright dark warm
cold fresh dry wet soft hard smooth rough sharp round flat narrow wide deep shallow heavy light strong weak old new young
modern ancient simple complex cheap expensive rare common local global public private open closed safe dangerous happy sad
calm angry brave clever gentle honest lazy lucky polite proud silent wild wise early late daily weekly monthly annual
electric digital wooden metal plastic northern southern eastern western
""".split()

VERBS = """
build open close move paint clean carry count check find follow fix keep leave load lock measure mark mix order pack plan
print push read record remove repair replace save sell send share sort start stop store test track turn update use visit
wash watch weigh write
""".split()

FIRST_NAMES = """
Alice Bob Carol David Emma Frank Grace Henry Ivan Julia Kate Leo Maria Nina Oscar Paul Rosa Sam Tom Vera Anna Ben Clara Dan
Eva Felix Gina Hugo Ida Jack Karl Lena Max Nora Otto Petra Quinn Rita Stefan Tina Ursula Victor Wanda Xenia Yusuf Zoe Ali
Bruno Chloe Diego Elena Fatima George Hana Igor Jonas Kira Lucas Mila Noah Olga Pedro Raj Sara Theo Uma Viktor Yara Amir Ines
Marco Priya Tariq Wei Yuki
""".split()

FAMILY_NAMES = """
Smith Jones Brown Miller Davis Wilson Moore Taylor Anderson Thomas Jackson White Harris Martin Garcia Lopez Gonzalez Clark
Lewis Walker Hall Young King Wright Hill Scott Adams Baker Nelson Carter Mitchell Turner Parker Evans Edwards Collins Schmidt
Weber Fischer Wagner Becker Hoffmann Rossi Bianchi Ferrari Dubois Laurent Moreau Silva Santos Costa Novak Kowalski Ivanov
Petrov Larsen Hansen Berg Tanaka Suzuki Kim Park Nguyen Patel Khan Cohen
""".split()

CITIES = (
    """
Paris Berlin Rome Madrid Tokyo Beijing London Moscow Cairo Athens Oslo Shanghai Boston Chicago Seattle Sydney Delhi Seoul
Toronto Vienna Lisbon Dublin Prague Warsaw Lima Hanoi Dallas Munich Hamburg Kyoto Osaka Geneva Milan Naples Turin Zurich Basel
Brussels Antwerp Amsterdam Rotterdam Copenhagen Stockholm Helsinki Riga Vilnius Tallinn Budapest Sofia Bucharest Belgrade
Zagreb Istanbul Ankara Nairobi Lagos Accra Tunis Algiers Casablanca Havana Bogota Santiago Montevideo Quito Denver Austin
Houston Phoenix Portland Miami Atlanta Detroit Montreal Vancouver Perth Melbourne Auckland Manila Jakarta Bangkok Singapore
Mumbai Chennai Karachi Dhaka Kathmandu Shenzhen Hangzhou Chengdu Nanjing Wuhan
""".split()
    + ["New York", "San Francisco", "Los Angeles", "Buenos Aires", "Cape Town", "Hong Kong", "Rio de Janeiro"]
)

CITIES_ZH = """
北京 上海 广州 深圳 杭州 成都 南京 武汉 西安 重庆 天津 苏州 青岛 大连 厦门 长沙 郑州 济南 哈尔滨 沈阳 昆明 福州 合肥 南昌 贵阳 兰州 海口 拉萨 宁波 无锡
东京 首尔 巴黎 伦敦 柏林 罗马 纽约 莫斯科 新加坡 曼谷 悉尼 多伦多 开罗 马德里
""".split()

FAMILY_NAMES_ZH = "王 李 张 刘 陈 杨 黄 赵 吴 周 徐 孙 马 朱 胡 林 郭 何 高 罗 郑 梁 谢 宋 唐 许 邓 冯 韩 曹 曾 彭 萧 蔡 潘 田 董 袁 于 余".split()

GIVEN_NAMES_ZH = "伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 秀 霞 平 刚 桂 英 华 玉 兰 红 建 国 文 辉 晨 雨 欣 怡 浩 宇 轩 梓 涵 博 思 琪 雪 婷 佳 慧 志 海 龙".split()

PHRASES_ZH = """
会议记录 项目计划 生日快乐 周末旅行 天气预报 购物清单 读书笔记 学习资料 技术文档 产品介绍 销售报告 财务预算 客户反馈 测试结果 系统升级 数据备份 网络安全
机器学习 人工智能 深度学习 自然语言 图像识别 语音合成 健康饮食 运动计划 早餐牛奶 红烧牛肉 麻辣豆腐 西红柿炒鸡蛋 绿茶 咖啡 火车票 机票 酒店预订 电影推荐
古典音乐 流行歌曲 城市地图 公交路线 医院挂号 快递单号 家庭聚会 新年快乐 春节假期 中秋月饼 端午龙舟 长城 故宫 西湖 黄山 大熊猫 小猫 小狗 花园 图书馆 博物馆
明天下午开会 记得买牛奶 给妈妈打电话 按时提交作业 检查服务器日志 修复登录错误 更新用户手册 准备演讲稿 预约牙医 交水电费
""".split()

MONTHS = "January February March April May June July August September October November December".split()

EXTENSIONS = "py rs js ts txt md json toml yaml html css sh csv log c h go java sql xml".split()
