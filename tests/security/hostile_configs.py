"""What a config inside a checkpoint may say to have something run, opened or imported."""


def python(marker):
    return f"open({str(marker)!r}, 'w').close()"


#: Types that open, import, evaluate or load, or are none, with what would make them do so.
TYPES = {
    'mmseg.CrossEntropyLoss': lambda m: dict(class_weight_path='evil.pkl', class_weight='evil.pkl'),
    'mmseg.DiceLoss': lambda m: dict(loss_name='evil'),
    'mmseg.VPD': lambda m: dict(diffusion_cfg=dict(checkpoint='evil.pth')),
    'mmseg.TIMMBackbone': lambda m: dict(model_name='resnet18', checkpoint_path='evil.pth'),
    'TIMMBackbone': lambda m: {},
    'mmseg.CLIPTextEncoder': lambda m: {},
    'mmseg.SideAdapterCLIPHead': lambda m: {},
    'mmseg.EncoderDecoder': lambda m: {},
    'mmdet.StrongSORT': lambda m: dict(cmc=dict(type='CameraMotionCompensation', warp_mode=python(m))),
    'mmdet.CameraMotionCompensation': lambda m: dict(warp_mode=python(m)),
    'mmdet.DeepSORT': lambda m: {},
    'mmdet.AppearanceFreeLink': lambda m: dict(checkpoint='evil.pth'),
    'mmdet.ByteTrack': lambda m: {},
    'mmdet.KnowledgeDistillationSingleStageDetector': lambda m: dict(teacher_config='evil.py', teacher_ckpt='evil.pth'),
    'mmdet.LAD': lambda m: dict(teacher_ckpt='evil.pth'),
    'mmdet.Detectron2Wrapper': lambda m: dict(detector='evil.py'),
    'mmdet.BertModel': lambda m: dict(name='./evil'),
    'mmdet.GLIP': lambda m: dict(language_model=dict(type='BertModel', name='./evil')),
    'mmdet.ATSSVLFusionHead': lambda m: dict(lang_model_name='./evil'),
    'mmdet.SemiBaseDetector': lambda m: {},
    'mmdet.InferencerLoader': lambda m: {},
    'mmdet.DetTTAModel': lambda m: {},
    'mmdet.ExpMomentumEMA': lambda m: {},
    'mmdet.EfficientNet': lambda m: {},
    'mmdet.DetectoRS_ResNet': lambda m: dict(pretrained='evil.pth'),
    'mmengine.put_text': lambda m: dict(obj='x', filepath=str(m)),
    'mmengine.fileio.load': lambda m: dict(file='evil.pkl'),
    'mmengine.load': lambda m: dict(file='evil.pkl'),
    'mmengine.Config.fromfile': lambda m: dict(filename='evil.py'),
    'mmengine.config.Config.fromstring': lambda m: dict(cfg_str=python(m), file_format='.py'),
    'mmengine.BN': lambda m: {},
    'mmengine.runner.Runner': lambda m: dict(work_dir=str(m)),
    'os.system': lambda m: dict(command=f'touch {m}'),
    'os.mkdir': lambda m: dict(path=str(m)),
    'subprocess.call': lambda m: dict(args=['touch', str(m)]),
    'subprocess.Popen': lambda m: dict(args=['touch', str(m)]),
    'builtins.open': lambda m: dict(file=str(m), mode='w'),
    'builtins.exec': lambda m: {},
    'pathlib.Path.touch': lambda m: dict(self=str(m)),
    'runpy.run_path': lambda m: dict(path_name='evil.py'),
    'torch.load': lambda m: dict(f='evil.pth', weights_only=False),
    'torch.hub.load': lambda m: dict(repo_or_dir='.', model='evil'),
    'importlib.import_module': lambda m: dict(name='evil'),
    'mmqanet.utils.files.write_bytes': lambda m: dict(path=str(m), content='x'),
    'mmqanet.registry': lambda m: {},
    'mmqanet.evil': lambda m: {},
    'evil': lambda m: {},
    'Evil': lambda m: {},
    'evil.registry': lambda m: {},
    'evil.ResNet': lambda m: {},
    'mmpretrain.ResNet': lambda m: {},
    '__main__.resume': lambda m: {},
    '': lambda m: {},
    '.': lambda m: {},
    'QANet ': lambda m: {},
    'mmdet.mmdet.FPN': lambda m: {},
    'AnchorGenerator': lambda m: {},
    'nms': lambda m: {},
    'LoadImageFromFile': lambda m: {},
    'mmdet.RoIAlign': lambda m: {},
    'ＲｅｓＮｅｔ': lambda m: {},
}
PLACES = (
    ['backbone'],
    ['neck'],
    ['parsing_head', 'loss_ce'],
    ['postprocessor'],
    ['data_preprocessor'],
    ['backbone', 'norm_cfg'],
    [],
)

#: Texts in place of a config; {code} writes the marker.
TEXTS = {
    'import': 'import evil',
    'from': 'from evil import x',
    'call': '{code}',
    'assigned call': 'a = {code}',
    'eval': "a = eval('1')",
    'lambda': 'a = (lambda: {code})()',
    'comprehension': 'a = [{code} for _ in (1,)]',
    'f-string': 'a = f"{{{code}}}"',
    'walrus': 'a = (b := {code})',
    'if': 'if 1:\n    {code}',
    'with': 'with open("x", "w"): pass',
    'class': 'class A:\n    {code}',
    'def': 'def f(a={code}): pass',
    'decorator': '@print\ndef f(): pass',
    'assert': 'assert {code} is None',
    'delete': 'del model',
    'attribute': 'a = ().__class__',
    'subscript': 'a = [1][0]',
    'starred': 'a = [*{code}]',
    'update': 'a = dict(**{code})',
    'annotation': 'a: {code} = 1',
    'await': 'async def f(): pass',
    'dict subclass': 'a = OrderedDict()',
    'dict of pairs': 'a = dict([(1, 2)])',
    'base': "_base_ = ['evil.py']\na = {{_base_.x}}",
    'deep': 'a = ' + '[' * 3000,
    'signs': 'a = ' + '-' * 100_000 + '1',
    'digits': 'a = ' + '9' * 10_000,
    'null': 'a = "\0"',
    'long': '#' * 2_000_000,
    'encoding': '# coding: rot13\nvzcbeg bf',
}

#: Changes of the whole config that must have no effect; what is changed is left out.
IGNORED = {
    'custom_imports': lambda m: dict(custom_imports=dict(imports=['evil'])),
    'custom_hooks': lambda m: dict(custom_hooks=[dict(type='evil.x')]),
    'visualizer': lambda m: dict(visualizer=dict(type='evil.x', save_dir=str(m))),
    'work_dir': lambda m: dict(work_dir=str(m)),
    'load_from': lambda m: dict(load_from='evil.pth', resume=True),
    'env_cfg': lambda m: dict(env_cfg=dict(mp_cfg=dict(start='evil'))),
    'runner_type': lambda m: dict(runner_type='evil.x'),
    'hooks': lambda m: dict(default_hooks=dict(a=dict(type='os.system'))),
    'launcher': lambda m: dict(launcher='evil'),
    'optim_wrapper': lambda m: dict(optim_wrapper=dict(type='os.system')),
    'train_dataloader': lambda m: dict(train_dataloader=dict(dataset=dict(type='evil.x'))),
}
REFUSED = {
    'scope': lambda m: dict(default_scope='evil'),
    'scope with dots': lambda m: dict(default_scope='evil.registry'),
    'scope of a module': lambda m: dict(default_scope='os'),
    'scope number': lambda m: dict(default_scope=3),
    'model is a list': lambda m: dict(model=[dict(type='QANet')]),
    'model without type': lambda m: dict(model={}),
    'no test data': lambda m: dict(test_dataloader=None),
    'scales': lambda m: dict(tta_scales='evil'),
    'data set': lambda m: dict(test_dataloader=dict(dataset=dict(type='evil.x', pipeline=[]))),
    'classes in a file': lambda m: dict(
        test_dataloader=dict(dataset=dict(type='CIHPDataset', metainfo=dict(classes='evil.txt')))
    ),
    'reading step': lambda m: dict(
        test_dataloader=dict(
            dataset=dict(
                type='CIHPDataset',
                pipeline=[dict(type='mmseg.LoadMultipleRSImageFromFile'), dict(type='mmdet.LoadProposals')],
            )
        )
    ),
    'step by dots': lambda m: dict(
        test_dataloader=dict(dataset=dict(type='CIHPDataset', pipeline=[dict(type='os.system')]))
    ),
    'step that wraps': lambda m: dict(
        test_dataloader=dict(
            dataset=dict(type='CIHPDataset', pipeline=[dict(type='Compose', transforms=[dict(type='evil.x')])])
        )
    ),
}
#: Entries put into the backbone of an otherwise good config.
ENTRIES = {
    '_scope_': dict(_scope_='evil'),
    '_base_': dict(_base_='evil.py'),
    '_delete_': dict(_delete_=True),
    'path': dict(style='evil.pth'),
    'address': dict(style='https://127.0.0.1/evil.pth'),
    'alias': dict(style='open-mmlab://x'),
    'absolute': dict(style='/etc/passwd'),
    'home': dict(style='~/x.pkl'),
    'texts in a list': dict(strides=['evil.npy']),
    'unknown argument': dict(evil=1),
    'plugins': dict(plugins=[dict(cfg=dict(type='os.system', command='x'))]),
    'depth': dict(depth=-1),
    'infinite': dict(base_channels=float('inf')),
    'nan': dict(base_channels=float('nan')),
    'huge': dict(base_channels=2**62),
    'number as type': dict(norm_cfg=dict(type=3)),
    'list as type': dict(norm_cfg=dict(type=['BN'])),
    'dict as type': dict(norm_cfg=dict(type=dict(type='BN'))),
}
SILENT = {
    'init_cfg': dict(init_cfg=dict(type='Pretrained', checkpoint='evil.pth')),
    'pretrained': dict(pretrained='evil.pth'),
    'init_cfg by dots': dict(init_cfg=dict(type='os.system', command='x')),
}
SUPPRESSIONS = ('__import__("evil")', 'exec', 'evil', 'nms.__class__', 'print', '(lambda: 0)')
